// The cases of upload_page.sh in Debian's Chromium. Exit code 0 means that the case holds.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const browser = require("../lib/browser.cjs");
const { runCase } = require("../lib/cases.cjs");

const { URL: SITE, EMAIL, PASSWORD, PICTURES, WORK } = process.env;

async function call(method, params = {}) {
  const query = new URLSearchParams({ username: EMAIL, password: PASSWORD, ...params });
  const answer = await (await fetch(`${SITE}/${method}`, { method: "POST", body: query })).json();
  assert.equal(answer.result, 0, `${method}: ${answer.error}`);
  return answer;
}

// A folder of its own with a link to it.
async function newLink(options = {}) {
  const name = `inbox-${process.pid}-${Math.random()}`;
  const { metadata } = await call("createfolder", { folderid: 0, name });
  const folderid = metadata.folderid;
  const link = await call("createuploadlink", { folderid, comment: "Photos of the party,\nplease <3", ...options });
  const names = async () => {
    const listing = await call("listfolder", { folderid });
    return Object.fromEntries(listing.metadata.contents.map((entry) => [entry.name, entry.size]));
  };
  return { ...link, folderid, names };
}

function file(name, bytes = 5) {
  return { name, mimeType: "text/plain", buffer: Buffer.alloc(bytes, "x") };
}

// Does something with a page of a fresh browser, and with what its console tells of trouble.
const withPage = (act, options) =>
  browser.withPage(async (page) => {
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    await act(page, problems);
  }, options);

// Drops files on the page, as a person does with a mouse.
async function dropFiles(page, files) {
  const data = await page.evaluateHandle((files) => {
    const data = new DataTransfer();
    for (const [name, text] of files) data.items.add(new File([text], name));
    return data;
  }, files);
  await page.dispatchEvent("#drop", "dragover", { dataTransfer: data });
  await page.dispatchEvent("#drop", "drop", { dataTransfer: data });
}

const send = (page) => page.getByRole("button", { name: "Send" }).click();
const thanks = (page) => page.getByText("Thank you. Your files have arrived.").waitFor();

const cases = {
  choose: () =>
    withPage(async (page, problems) => {
      const link = await newLink();
      // The address that clients give to people.
      await page.goto(link.link);
      await page.getByText("Photos of the party").waitFor();
      await page.getByLabel("Your name").fill("Zoë & Co");
      await page.getByLabel("Files", { exact: true }).setInputFiles([file("a.txt"), file("Grüße & 100%.txt", 700000), file("empty", 0)]);
      await page.getByRole("button", { name: "Remove: empty" }).click();
      await page.evaluate(() => {
        window.seen = new Set();
        const bar = document.querySelectorAll(".file progress")[1];
        new MutationObserver(() => window.seen.add(bar.value)).observe(bar, { attributes: true });
      });
      await send(page);
      await thanks(page);
      assert.deepEqual(await link.names(), { "a.txt": 5, "Grüße & 100%.txt": 700000 });
      assert.ok((await page.evaluate(() => window.seen.size)) > 0, "no progress was shown");
      // More can follow, and names that are taken change.
      await page.getByLabel("Files", { exact: true }).setInputFiles([file("a.txt", 7)]);
      await send(page);
      await thanks(page);
      assert.equal((await link.names())["a (2).txt"], 7);
      const { notifications } = await call("listnotifications");
      assert.match(notifications[0].notification, /^Files from Zoë & Co have come/);
      assert.deepEqual(problems, []);
    }),

  drop: () =>
    withPage(async (page) => {
      const link = await newLink();
      await page.goto(link.link);
      await page.getByRole("button", { name: "Send" }).waitFor();
      await dropFiles(page, [["one.txt", "1"], ["two.txt", "22"]]);
      await send(page);
      await thanks(page);
      assert.deepEqual(await link.names(), { "one.txt": 1, "two.txt": 2 });
    }),

  scriptless: () =>
    withPage(
      async (page) => {
        const link = await newLink({ maxfiles: 3 });
        await page.goto(`${SITE}/puplink/show?code=${link.code}`);
        await page.getByLabel("Files", { exact: true }).setInputFiles([file("a.txt"), file("b.txt")]);
        await send(page);
        await thanks(page);
        assert.deepEqual(await link.names(), { "a.txt": 5, "b.txt": 5 });
        // Two more are one too many; the first of them stays.
        await page.getByLabel("Files", { exact: true }).setInputFiles([file("c.txt"), file("d.txt")]);
        await send(page);
        await page.getByText("This link takes no more files.").waitFor();
        assert.equal(Object.keys(await link.names()).length, 3);
      },
      { javaScriptEnabled: false },
    ),

  keyboard: () =>
    withPage(async (page) => {
      const link = await newLink();
      // Asked for before anything else: the browser is told to hand its dialogs over by another
      // way than keys go, and a key that overtakes this opens a dialog that nobody can answer.
      const choosing = page.waitForEvent("filechooser");
      await page.goto(link.link);
      await page.getByLabel("Your name").focus();
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.id), "files");
      await page.keyboard.press("Enter");
      await (await choosing).setFiles([file("a.txt"), file("b.txt")]);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Remove: a.txt");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Remove: b.txt");
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.id), "send");
      await page.keyboard.press("Enter");
      await thanks(page);
      assert.deepEqual(await link.names(), { "b.txt": 5 });
    }),

  limits: () =>
    withPage(async (page) => {
      const link = await newLink({ maxspace: 1000, maxfiles: 2 });
      await page.goto(link.link);
      await page.getByText("Takes 2 more files.").waitFor();
      await page.getByText("Takes 1 KB more.").waitFor();
      await page.getByLabel("Files", { exact: true }).setInputFiles([file("big", 1001), file("a", 400), file("b", 400), file("c", 1)]);
      const told = await page.locator(".file .status").allTextContents();
      assert.deepEqual(told, [
        "There is not enough space left for this.",
        "400 B",
        "400 B",
        "This link takes no more files.",
      ]);
      await send(page);
      await page.getByText("2 of 4 files have arrived.").waitFor();
      assert.deepEqual(await link.names(), { a: 400, b: 400 });
    }),

  closes: () =>
    withPage(async (page) => {
      const link = await newLink();
      await page.goto(link.link);
      await page.getByLabel("Files", { exact: true }).setInputFiles([file("a.txt"), file("b.txt")]);
      await call("deleteuploadlink", { uploadlinkid: link.uploadlinkid });
      await send(page);
      await page.getByText("0 of 2 files have arrived.").waitFor();
      const told = await page.locator(".file .status").allTextContents();
      assert.deepEqual(told, Array(2).fill("This link does not exist any more."));
    }),

  stops: () =>
    withPage(async (page) => {
      const link = await newLink();
      await page.goto(link.link);
      const large = path.join(WORK, "large.bin");
      fs.writeFileSync(large, Buffer.alloc(20 << 20));
      const session = await page.context().newCDPSession(page);
      const speed = (uploadThroughput) =>
        session.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput,
        });
      await speed(1 << 20);
      await page.getByLabel("Files", { exact: true }).setInputFiles(large);
      await send(page);
      await page.waitForFunction(() => document.querySelector(".file progress").value > 0);
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByText("0 of 1 files have arrived.").waitFor();
      assert.deepEqual(await link.names(), {});
      await speed(-1);
      await send(page);
      await thanks(page);
      assert.deepEqual(await link.names(), { "large.bin": 20 << 20 });
    }),

  gone: () =>
    withPage(async (page) => {
      const told = async (code, text) => {
        const response = await page.goto(`${SITE}/puplink/show?code=${code}`);
        await page.getByText(text).waitFor();
        assert.equal(await page.locator("form").count(), 0);
        return response.status();
      };
      assert.equal(await told("none", "This link is not valid."), 404);
      const past = await newLink({ expire: "2001-01-01T00:00:00Z" });
      assert.equal(await told(past.code, "This link has expired."), 410);
      const deleted = await newLink();
      await call("deleteuploadlink", { uploadlinkid: deleted.uploadlinkid });
      assert.equal(await told(deleted.code, "This link does not exist any more."), 410);
      const full = await newLink({ maxfiles: 1 });
      await fetch(`${SITE}/uploadtolink?code=${full.code}&filename=a`, { method: "PUT", body: "a" });
      assert.equal(await told(full.code, "This link takes no more files."), 410);
    }),

  policy: () =>
    withPage(async (page, problems) => {
      const link = await newLink();
      const asked = [];
      page.on("request", (request) => asked.push(new URL(request.url()).origin));
      const response = await page.goto(`${SITE}/puplink/show?code=${link.code}`);
      const policy = response.headers()["content-security-policy"];
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|data:|\*/);
      assert.deepEqual([...new Set(asked)], [SITE]);
      assert.equal(await page.evaluate(() => document.querySelectorAll("[style], script:not([src])").length), 0);
      assert.deepEqual(problems, []);
    }),

  async pictures() {
    const views = {
      desktop: { viewport: { width: 1280, height: 800 } },
      phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
      dark: { viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "de-DE" },
    };
    for (const [name, options] of Object.entries(views)) {
      await withPage(async (page) => {
        const picture = (step) =>
          page.screenshot({ path: path.join(PICTURES, `upload-${name}-${step}.png`), fullPage: true });
        const link = await newLink({ maxspace: 5_000_000, expire: "2100-01-01T00:00:00Z" });
        await page.goto(link.link);
        await page.locator("#files").waitFor();
        await picture("empty");
        const long = `${"a very long name of a file ".repeat(4)}.txt`;
        await page.locator("#files").setInputFiles([file("a.jpg", 1_234_567), file(long), file("video.mp4", 6_000_000)]);
        await picture("chosen");
        // Nothing is cut off, and a thumb finds the buttons.
        const { width, wanted } = await page.evaluate(() => ({
          width: innerWidth,
          wanted: document.documentElement.scrollWidth,
        }));
        assert.ok(wanted <= width, `${wanted} of ${width} pixels`);
        for (const id of ["#send", "#files", ".file button"]) {
          const box = await page.locator(id).first().boundingBox();
          assert.ok(box.height >= 40, `${id} has ${box.height} pixels`);
        }
        const session = await page.context().newCDPSession(page);
        await session.send("Network.emulateNetworkConditions", {
          offline: false,
          latency: 0,
          downloadThroughput: -1,
          uploadThroughput: 400_000,
        });
        await page.locator("#send").click();
        await page.waitForFunction(() => document.querySelector(".file progress").value > 0);
        await picture("sending");
        await page.locator("#told", { hasText: /arrived|angekommen/ }).waitFor();
        await picture("sent");
        await page.goto(`${SITE}/puplink/show?code=none`);
        await picture("gone");
      }, options);
    }
  },
};

runCase(cases);
