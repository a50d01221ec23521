// The cases of link-pages.sh in Debian's Chromium. Exit code 0 means that the case holds.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { withPage } = require("../lib/browser.cjs");
const { runCase } = require("../lib/cases.cjs");

const { SITE, EMAIL, PASSWORD, PICTURES } = process.env;

// A method of the API, called by the owner of the links.
async function call(method, params = {}, body = undefined) {
  const query = new URLSearchParams({ username: EMAIL, password: PASSWORD, ...params });
  const answer = await (await fetch(`${SITE}/${method}?${query}`, { method: body ? "POST" : "GET", body })).json();
  assert.equal(answer.result, 0, `${method}: ${answer.error}`);
  return answer;
}

async function folder(name, folderid = 0) {
  return (await call("createfolder", { name, folderid })).metadata.folderid;
}

async function upload(filename, content, folderid = 0) {
  const body = new FormData();
  body.append("file", new Blob([content]), "x");
  return (await call("uploadfile", { filename, folderid, nopartial: 1 }, body)).fileids[0];
}

const linkToFile = (fileid, options = {}) => call("getfilepublink", { fileid, ...options });
const linkToFolder = (folderid, options = {}) => call("getfolderpublink", { folderid, ...options });

// A folder like people have them; answers a link to it.
async function holiday(name) {
  const top = await folder(name);
  const sub = await folder("Fotos & Videos", top);
  const deep = await folder("2026", sub);
  await upload("Packliste – was wir mitnehmen müssen, damit nichts fehlt.txt", "Hut\n", top);
  await upload("Route.gpx", "x".repeat(123456), top);
  await upload("Buchungsbestätigung_Ferienhaus_am_See_2026-07-03_bis_2026-07-17.pdf", "x".repeat(2345678), top);
  await upload("Strand.jpg", "no picture", deep);
  return linkToFolder(top);
}

const heading = (page) => page.getByRole("heading", { level: 1 }).textContent();

// The name and the content that a download is saved with.
async function saved(page, start) {
  const [download] = await Promise.all([page.waitForEvent("download"), start()]);
  return [download.suggestedFilename(), fs.readFileSync(await download.path(), "utf8")];
}

async function walk(page) {
  const { link } = await holiday(`Urlaub ${Math.random()}`);
  await page.goto(link);
  assert.match(await heading(page), /^Urlaub/);
  await page.getByText("1 folder · 3 files · 2.5 MB").waitFor();
  await page.getByRole("link", { name: "Fotos & Videos" }).click();
  assert.equal(await heading(page), "Fotos & Videos");
  await page.getByRole("link", { name: "2026" }).click();
  assert.equal(await heading(page), "2026");
  const save = () => page.getByRole("link", { name: "Strand.jpg" }).click();
  assert.deepEqual(await saved(page, save), ["Strand.jpg", "no picture"]);
  const crumbs = page.getByRole("navigation", { name: "Folders above" });
  assert.equal(await crumbs.getByRole("link").count(), 2);
  await crumbs.getByRole("link").first().click();
  assert.match(await heading(page), /^Urlaub/);
}

const cases = {
  file: () =>
    withPage(async (page) => {
      const { link, linkid } = await linkToFile(await upload("Grüße.html", "<script>alert(1)</script>"));
      await page.goto(link);
      assert.equal(await heading(page), "Grüße.html");
      await page.getByText("25 Bytes").waitFor();
      const save = () => page.getByRole("link", { name: "Download" }).click();
      assert.deepEqual(await saved(page, save), ["Grüße.html", "<script>alert(1)</script>"]);
      const told = (await call("listpublinks")).publinks.find((told) => told.linkid === linkid);
      assert.deepEqual([told.views, told.downloads, told.traffic], [1, 1, 25]);
    }),

  folder: () => withPage(walk),

  scriptless: () => withPage(walk, { javaScriptEnabled: false }),

  keyboard: () =>
    withPage(async (page) => {
      const { link } = await holiday("Tasten");
      await page.goto(link);
      await page.keyboard.press("Tab");
      await page.locator("a:focus", { hasText: "Fotos & Videos" }).waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Fotos & Videos" }).waitFor();
      await page.keyboard.press("Tab");
      await page.locator("a:focus", { hasText: "Tasten" }).waitFor();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Tasten" }).waitFor();
    }),

  names: () =>
    withPage(async (page) => {
      const evil = "<img src=x onerror=\"document.title='caught'\">&amp;";
      const top = await folder(`${evil} folder`);
      const inner = await folder(evil, top);
      await upload("it's here?#%2F.txt", "found", inner);
      const { link } = await linkToFolder(top);
      await page.goto(link);
      assert.equal(await heading(page), `${evil} folder`);
      await page.getByRole("link", { name: evil }).click();
      assert.equal(await heading(page), evil);
      const save = () => page.getByRole("link", { name: "it's here?#%2F.txt" }).click();
      assert.equal((await saved(page, save))[1], "found");
      assert.equal(await page.locator("img").count(), 0);
      assert.match(await page.title(), /^<img/);
    }),

  password: () =>
    withPage(async (page, context) => {
      const id = await upload("secret.txt", "secret");
      const { link } = await linkToFile(id, { linkpassword: "open sesame" });
      const other = await linkToFile(id, { linkpassword: "open sesame" });
      const answer = await page.goto(link);
      assert.equal(answer.status(), 403);
      assert.doesNotMatch(await page.content(), /secret\.txt/);
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Open" }).click();
      assert.match(await page.getByRole("alert").textContent(), /not the password/);
      await page.getByLabel("Password").fill("open sesame");
      await page.getByRole("button", { name: "Open" }).click();
      await page.getByRole("heading", { name: "secret.txt" }).waitFor();
      assert.equal(page.url(), link, "the address is still the link, with nothing added");
      const save = () => page.getByRole("link", { name: "Download" }).click();
      assert.deepEqual(await saved(page, save), ["secret.txt", "secret"]);
      assert.equal((await page.goto(link)).status(), 200, "it is not asked for again");
      assert.equal((await page.goto(other.link)).status(), 403, "another link stays closed");
      const [cookie] = await context.cookies(link);
      assert.deepEqual([cookie.httpOnly, cookie.path, cookie.sameSite], [true, "/publink/", "Lax"]);
    }),

  ended: () =>
    withPage(async (page) => {
      const id = await upload("once.txt", "once");
      const told = async (link, status, words) => {
        assert.equal((await page.goto(link)).status(), status);
        assert.match(await heading(page), words);
      };
      await told(`${SITE}/publink/show?code=nonsense`, 404, /no such link/);
      await told(`${SITE}/publink/show`, 404, /no such link/);
      const past = await linkToFile(id, { expire: "2001-01-01T00:00:00Z" });
      await told(past.link, 410, /has expired/);
      const gone = await linkToFile(id, { maxdownloads: 100 });
      await call("deletepublink", { linkid: gone.linkid });
      await told(gone.link, 410, /has ended/);
      const once = await linkToFile(id, { maxdownloads: 1 });
      await page.goto(once.link);
      await saved(page, () => page.getByRole("link", { name: "Download" }).click());
      await told(once.link, 410, /is used up/);
      const little = await linkToFile(id, { maxtraffic: 1 });
      await page.goto(little.link);
      await saved(page, () => page.getByRole("link", { name: "Download" }).click());
      await told(little.link, 410, /is used up/);
      const top = await linkToFolder(await folder("empty"));
      await page.goto(top.link);
      await page.getByText("This folder is empty.").waitFor();
      await told(`${top.link}&path=/none`, 404, /not here any more/);
    }),

  german: () =>
    withPage(
      async (page) => {
        const { link } = await linkToFile(await upload("Bericht.txt", "x".repeat(1600)), { expire: "2100-01-01T00:00:00Z" });
        await page.goto(link);
        assert.equal(await page.locator("html").getAttribute("lang"), "de");
        await page.getByText("1,6 kB").waitFor();
        await page.getByText("Verfügbar bis 1. Jan 2100").waitFor();
        await page.getByRole("link", { name: "Herunterladen" }).waitFor();
        await page.getByRole("link", { name: "English" }).click();
        await page.getByRole("link", { name: "Download" }).waitFor();
        assert.equal(await heading(page), "Bericht.txt");
      },
      { locale: "de-DE" },
    ),

  long: () =>
    withPage(async (page) => {
      const top = await folder("long");
      const names = Array.from({ length: 501 }, (_, at) => `f${String(at).padStart(3, "0")}`);
      for (const name of names) await folder(name, top);
      for (const name of ["b.txt", "a.txt"]) await upload(name, "x", top);
      const { link } = await linkToFolder(top);
      await page.goto(link);
      await page.getByText("500 entries on this page").waitFor();
      const shown = () => page.locator("tbody tr td:first-child a > span:last-child").allTextContents();
      const read = await shown();
      await page.getByRole("link", { name: "Next page" }).focus();
      await page.keyboard.press("Enter");
      await page.getByText("3 entries on this page").waitFor();
      read.push(...(await shown()));
      assert.deepEqual(read, [...names, "a.txt", "b.txt"]);
      assert.equal(await page.getByRole("link", { name: "Next page" }).count(), 0);
      await page.getByRole("link", { name: "First page" }).click();
      await page.getByRole("link", { name: "f000" }).waitFor();
      assert.equal(await page.getByRole("link", { name: "First page" }).count(), 0);
    }),

  headers: () =>
    withPage(async (page) => {
      const problems = [];
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      page.on("pageerror", (error) => problems.push(String(error)));
      const { link } = await holiday("Kopfzeilen");
      const answer = await page.goto(link);
      const headers = answer.headers();
      assert.match(headers["content-security-policy"], /^default-src 'none'; style-src 'self'; form-action 'self'/);
      assert.equal(headers["x-frame-options"], "DENY");
      assert.equal(headers["referrer-policy"], "no-referrer");
      assert.equal(headers["cache-control"], "no-store");
      assert.equal(await page.locator("script").count(), 0);
      assert.deepEqual(problems.filter((text) => !/favicon/.test(text)), []);
    }),

  pictures: async () => {
    const { link } = await holiday("Urlaub am See");
    const deep = `${link}&path=${encodeURIComponent("/Fotos & Videos")}`;
    const file = await linkToFile(await upload("Bericht über das Jahr 2026.pdf", "x".repeat(4_560_000)), {
      expire: "2030-01-01T00:00:00Z",
    });
    const locked = await linkToFile(await upload("locked.txt", "x"), { linkpassword: "secret" });
    const views = {
      desktop: { viewport: { width: 1280, height: 800 } },
      phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
      dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
    };
    const shown = { folder: link, deep, file: file.link, locked: locked.link, unknown: `${SITE}/publink/show?code=none` };
    for (const [view, options] of Object.entries(views)) {
      await withPage(async (page) => {
        for (const [name, address] of Object.entries(shown)) {
          await page.goto(address);
          const [inside, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(inside <= room, `${name} on ${view}: ${inside} of ${room} pixels`);
          if (view === "phone") {
            const heights = await page.locator(".listing a, a.button").evaluateAll((all) => all.map((it) => it.offsetHeight));
            assert.ok(heights.every((height) => height >= 44), `${name}: a finger needs 44 pixels, not ${heights}`);
          }
          await page.screenshot({ path: path.join(PICTURES, `link-${name}-${view}.png`) });
        }
      }, options);
    }
  },
};

runCase(cases);
