// Debian's Chromium, for the suites that look at pages.
"use strict";

const { chromium } = require("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

// Does something with a page of a fresh browser. The options are those of its context, which comes along.
exports.withPage = async (act, options = {}) => {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
  try {
    const context = await browser.newContext({ locale: "en-US", ...options });
    await act(await context.newPage(), context);
  } finally {
    await browser.close();
  }
};
