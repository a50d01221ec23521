// The cases of oauth.sh in Debian's Chromium. Exit code 0 means that the case holds.
"use strict";

const assert = require("node:assert/strict");
const http = require("node:http");
const path = require("node:path");
const browser = require("../lib/browser.cjs");
const { runCase } = require("../lib/cases.cjs");

const { SITE, EMAIL, PASSWORD, PICTURES, APP } = process.env;
const app = JSON.parse(APP);

// The program that waits for the browser; answers what it was told.
async function program() {
  let told;
  const asked = new Promise((resolve) => (told = resolve));
  const server = http.createServer((request, response) => {
    if (request.url.startsWith("/favicon")) return response.writeHead(404).end();
    response.setHeader("content-type", "text/html");
    response.end("<title>back</title><p>Back at the program.</p>");
    told(new URL(request.url, "http://localhost"));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://localhost:${server.address().port}/`;
  return { address, asked, end: () => server.close() };
}

// The address of the page.
function authorize(redirect, more = {}) {
  const query = new URLSearchParams({
    client_id: app.client_id,
    response_type: "code",
    redirect_uri: redirect,
    state: "s t=&#ä",
    force_reapprove: "true",
    ...more,
  });
  return `${SITE}/oauth2/authorize?${query}`;
}

async function logIn(page, password = PASSWORD) {
  await page.getByLabel("Mail address").fill(EMAIL);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

async function token(code) {
  const answer = await fetch(`${SITE}/oauth2_token`, {
    method: "POST",
    body: new URLSearchParams({ client_id: app.client_id, client_secret: app.client_secret, code }),
  });
  return answer.json();
}

// Does something with a page of a fresh browser, and with an address that waits for the answer.
async function withPage(act, options = {}) {
  const waiting = await program();
  try {
    await browser.withPage((page) => act(page, waiting), { ignoreHTTPSErrors: true, ...options });
  } finally {
    waiting.end();
  }
}

async function allows(page, waiting) {
  await page.goto(authorize(waiting.address));
  await logIn(page);
  assert.match(await page.getByRole("heading", { level: 1 }).textContent(), /rclone/);
  await page.getByRole("button", { name: "Allow" }).click();
  const told = await waiting.asked;
  assert.equal(told.searchParams.get("state"), "s t=&#ä");
  assert.equal(told.searchParams.get("hostname"), new URL(SITE).host);
  assert.equal(told.searchParams.get("locationid"), "1");
  await page.waitForFunction(() => document.title === "back").catch(() => {});
  assert.equal((await token(told.searchParams.get("code"))).result, 0);
}

const cases = {
  allow: () => withPage(allows),

  scriptless: () => withPage(allows, { javaScriptEnabled: false }),

  deny: () =>
    withPage(async (page, waiting) => {
      await page.goto(authorize(waiting.address));
      await logIn(page);
      await page.getByRole("button", { name: "Deny" }).click();
      const told = await waiting.asked;
      assert.equal(told.searchParams.get("error"), "access_denied");
      assert.equal(told.searchParams.get("code"), null);
    }),

  wrong: () =>
    withPage(async (page, waiting) => {
      await page.goto(authorize(waiting.address));
      await logIn(page, "not the password");
      assert.match(await page.getByRole("alert").textContent(), /are wrong/);
      assert.equal(await page.getByLabel("Mail address").inputValue(), EMAIL);
      await page.getByLabel("Password").fill(PASSWORD);
      await page.getByRole("button", { name: "Log in", exact: true }).click();
      await page.getByRole("button", { name: "Allow" }).waitFor();
    }),

  keyboard: () =>
    withPage(async (page, waiting) => {
      await page.goto(authorize(waiting.address));
      await page.locator("input[name=email]:focus").waitFor();
      await page.keyboard.type(EMAIL);
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Allow" }).waitFor();
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement.value);
      assert.equal(focused, "allow");
      await page.keyboard.press("Enter");
      assert.ok((await waiting.asked).searchParams.get("code"));
    }),

  framed: () =>
    withPage(async (page, waiting) => {
      await page.goto(waiting.address);
      await page.setContent(`<iframe src="${authorize(waiting.address)}"></iframe>`);
      await page.waitForTimeout(1000);
      for (const frame of page.frames().slice(1)) {
        assert.equal(await frame.locator("form").count(), 0);
      }
    }),

  foreign: () =>
    withPage(async (page, waiting) => {
      await page.goto(waiting.address);
      await page.setContent(
        `<form method="post" action="${authorize(waiting.address)}">
           <input name="do" value="login"><input name="email" value="${EMAIL}">
           <input name="password" value="${PASSWORD}"><button>go</button></form>`,
      );
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().includes("/oauth2/authorize")),
        page.getByRole("button").click(),
      ]);
      assert.equal(answer.status(), 403);
      assert.equal(answer.headers()["set-cookie"], undefined);
    }),

  unlink: () =>
    withPage(async (page, waiting) => {
      await page.goto(authorize(waiting.address));
      await logIn(page);
      await page.getByRole("button", { name: "Allow" }).click();
      const { access_token } = await token((await waiting.asked).searchParams.get("code"));
      const userinfo = `${SITE}/userinfo?access_token=${access_token}`;
      assert.equal((await (await fetch(userinfo)).json()).result, 0);
      await page.goto(`${SITE}/oauth2/apps`);
      await page.getByRole("heading", { name: "rclone" }).waitFor();
      await page.screenshot({ path: path.join(PICTURES, "apps.png"), fullPage: true });
      await page.getByRole("button", { name: "Unlink rclone" }).click();
      await page.getByText("No app can use your account.").waitFor();
      assert.equal((await (await fetch(userinfo)).json()).result, 2094);
      const [login] = (await page.context().cookies(`${SITE}/oauth2/apps`)).filter(({ name }) => name === "pileus_page");
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByLabel("Password").waitFor();
      // Who has kept the cookie is logged out as well.
      await page.context().addCookies([login]);
      await page.goto(`${SITE}/oauth2/apps`);
      await page.getByLabel("Password").waitFor();
    }),

  async pictures() {
    const views = {
      desktop: { viewport: { width: 1280, height: 800 } },
      phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true },
      dark: { viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "de-DE" },
    };
    for (const [name, options] of Object.entries(views)) {
      await withPage(async (page, waiting) => {
        const picture = (step) =>
          page.screenshot({ path: path.join(PICTURES, `${name}-${step}.png`), fullPage: true });
        await page.goto(authorize(waiting.address));
        await picture("login");
        await page.locator("input[name=email]").fill(EMAIL);
        await page.locator("input[name=password]").fill(PASSWORD);
        await page.locator("button[value=login]").click();
        await page.locator("button[value=allow]").waitFor();
        await picture("consent");
        // Nothing is cut off, and a thumb finds the buttons.
        const { width, wanted } = await page.evaluate(() => ({
          width: innerWidth,
          wanted: document.documentElement.scrollWidth,
        }));
        assert.ok(wanted <= width, `${wanted} of ${width} pixels`);
        const button = await page.locator("button[value=allow]").boundingBox();
        assert.ok(button.height >= 40, `a button of ${button.height} pixels`);
        await page.goto(authorize(waiting.address, { redirect_uri: "https://evil.example/" }));
        assert.equal(new URL(page.url()).origin, SITE);
        await picture("refused");
      }, options);
    }
  },

  rclone: () =>
    withPage(async (page) => {
      await page.goto(process.argv[3]);
      await logIn(page);
      await page.getByRole("button", { name: "Allow" }).click();
      await page.getByText("Success").first().waitFor();
    }),
};

runCase(cases);
