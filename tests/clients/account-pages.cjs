// The cases of account-pages.sh in Debian's Chromium. Exit code 0 means that the case holds.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { withPage } = require("../lib/browser.cjs");
const { runCase } = require("../lib/cases.cjs");

const { SITE, EMAIL, PASSWORD, MAILS, PICTURES } = process.env;
const NEW_PASSWORD = "quite a good one";

// A method of the API, called by the account of the suite or by another one. Connections are used again, and keep their login.
async function answer(method, params = {}, username = EMAIL, password = PASSWORD) {
  const query = new URLSearchParams({ logout: 1, username, password, ...params });
  return (await fetch(`${SITE}/${method}?${query}`)).json();
}

async function call(method, ...rest) {
  const answered = await answer(method, ...rest);
  assert.equal(answered.result, 0, `${method}: ${answered.error}`);
  return answered;
}

// The links of the mail to an address, which is waited for, and which leads to a page of this name.
async function links(address, page) {
  for (const until = Date.now() + 30_000; Date.now() < until; ) {
    const names = fs.existsSync(MAILS) ? fs.readdirSync(MAILS).filter((name) => /^[^.].*\.eml$/.test(name)) : [];
    const mails = names.map((name) => fs.readFileSync(path.join(MAILS, name), "utf8"));
    const mine = mails.filter((mail) => mail.includes(`To: ${address}`));
    const texts = mine.map((mail) => mail.replaceAll("=\r\n", "").replaceAll("=3D", "="));
    const text = texts.find((text) => text.includes(`/account/${page}?`));
    if (text) return text.match(/http:\/\/[^\s"<]+code=[A-Za-z0-9]+/g);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no mail to ${address} leads to ${page}`);
}

// A folder that is offered to an address; answers its name.
async function offer(mail) {
  const name = `plans ${Math.random()}`;
  const { metadata } = await call("createfolder", { folderid: 0, name });
  await call("sharefolder", { folderid: metadata.folderid, mail, permissions: 7 });
  return name;
}

async function fill(page, address, password = NEW_PASSWORD) {
  if (address) await page.getByLabel("Mail address").fill(address);
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("I accept the terms").check();
  await page.getByRole("button", { name: "Make an account" }).click();
}

const made = (page) => page.getByRole("heading", { name: "Your account is made" }).waitFor();

// A page of another site; answers its address.
async function elsewhere(html) {
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(html);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://localhost:${server.address().port}/`, end: () => server.close() };
}

const cases = {
  invited: () =>
    withPage(async (page) => {
      const { url } = await call("invite");
      await page.goto(url);
      await page.getByRole("heading", { name: "Make an account" }).waitFor();
      await fill(page, "invited@example.net");
      await made(page);
      const { invites } = await call("userinvites");
      assert.deepEqual(invites, [{ email: "i******@example.net", is_pending: true }]);
      const [verify] = await links("invited@example.net", "verify");
      await page.goto(verify);
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.getByText("Your address is confirmed").waitFor();
      assert.equal((await call("userinvites")).invites[0].is_pending, false);
      // Nothing is sent twice.
      await page.goto(verify);
      assert.equal(await page.getByRole("button").count(), 0);
    }),

  mended: () =>
    withPage(async (page) => {
      await page.goto(`${SITE}/#page=register`);
      await page.getByRole("heading", { name: "Make an account" }).waitFor();
      await fill(page, "mended@example.net", "abcdef");
      assert.match(await page.getByRole("alert").textContent(), /neighbouring/);
      assert.equal(await page.getByLabel("Mail address").inputValue(), "mended@example.net");
      assert.equal(await page.getByLabel("Password").inputValue(), "");
      await fill(page);
      await made(page);
      await page.reload();
      await made(page);
      await call("userinfo", {}, "mended@example.net", NEW_PASSWORD);
    }),

  offered: () =>
    withPage(
      async (page) => {
        const name = await offer("offered@example.net");
        const [accept] = await links("offered@example.net", "share");
        await page.goto(accept);
        await page.getByText(name).waitFor();
        await page.getByRole("link", { name: "Make an account" }).click();
        assert.equal(await page.getByLabel("Mail address").inputValue(), "offered@example.net");
        await fill(page);
        await made(page);
        await page.getByRole("link", { name: "Go on to the shared folder" }).click();
        await page.getByLabel("Password").fill(NEW_PASSWORD);
        await page.getByRole("button", { name: "Accept the folder" }).click();
        await page.getByText("The folder is in your account now.").waitFor();
        const { shares } = await call("listshares", {}, "offered@example.net", NEW_PASSWORD);
        assert.deepEqual(shares.incoming.map((share) => share.sharename), [name]);
      },
      { javaScriptEnabled: false },
    ),

  declined: () =>
    withPage(async (page) => {
      const name = await offer("declined@example.net");
      const [, decline] = await links("declined@example.net", "share");
      await page.goto(decline);
      await page.getByText(name).waitFor();
      const open = async () => (await call("listshares")).requests.outgoing.map((request) => request.sharename);
      assert.ok((await open()).includes(name));
      await page.getByRole("button", { name: "Decline the folder" }).click();
      await page.getByText("You have declined the folder.").waitFor();
      assert.ok(!(await open()).includes(name));
    }),

  foreign: () =>
    withPage(async (page) => {
      const other = await elsewhere(
        `<form method="post" action="${SITE}/account/register"><input name="mail" value="foreign@example.net">
         <input name="password" value="${NEW_PASSWORD}"><input name="termsaccepted" value="yes"><button>go</button></form>`,
      );
      await page.goto(other.address);
      await page.getByRole("button").click();
      await page.getByText("did not come from a page of this server").waitFor();
      other.end();
      const { result } = await answer("userinfo", {}, "foreign@example.net", NEW_PASSWORD);
      assert.equal(result, 2000);
    }),

  framed: () =>
    withPage(async (page) => {
      const other = await elsewhere(`<iframe src="${SITE}/account/register"></iframe>`);
      await page.goto(other.address);
      await page.waitForTimeout(1000);
      for (const frame of page.frames().slice(1)) assert.equal(await frame.locator("form").count(), 0);
      other.end();
    }),

  escaped: () =>
    withPage(async (page) => {
      const evil = `"><img src=x onerror="document.title='broken'"><script>document.title="broken"</script>`;
      const query = new URLSearchParams({ mail: evil, invite: evil, offer: evil, lang: evil });
      for (const made of ["", "&made=1"]) {
        await page.goto(`${SITE}/account/register?${query}${made}`);
        assert.notEqual(await page.title(), "broken");
        assert.equal(await page.locator("img, script").count(), 0);
      }
      assert.equal(new URL(await page.getByRole("link").getAttribute("href"), SITE).origin, SITE);
    }),

  password: () =>
    withPage(async (page) => {
      const mail = "forgetful@example.net";
      const form = new URLSearchParams({ mail, password: NEW_PASSWORD, termsaccepted: "yes" });
      await fetch(`${SITE}/register?${form}`);
      await fetch(`${SITE}/lostpassword?mail=${mail}`);
      const [reset] = await links(mail, "reset");
      await page.goto(reset);
      await page.getByLabel("New password").fill("another good one");
      await page.getByLabel("Disconnect all apps as well").check();
      await page.getByRole("button", { name: "Set the password" }).click();
      await page.getByText("Your new password is set.").waitFor();
      await call("userinfo", {}, mail, "another good one");
      // The link says at once that it is used up.
      await page.goto(reset);
      await page.getByText("This link does not work").waitFor();
      assert.equal(await page.getByLabel("New password").count(), 0);
    }),

  async pictures() {
    const views = {
      desktop: { viewport: { width: 1280, height: 800 } },
      phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true },
      dark: { viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "de-DE" },
    };
    await offer("pictures@example.net");
    const [accept] = await links("pictures@example.net", "share");
    const share = new URL(accept);
    share.searchParams.delete("lang");
    for (const [name, options] of Object.entries(views)) {
      await withPage(async (page) => {
        for (const [step, address] of [
          ["register", `${SITE}/account/register`],
          ["made", `${SITE}/account/register?made=1&offer=x`],
          ["stranger", share.href],
        ]) {
          await page.goto(address);
          await page.screenshot({ path: path.join(PICTURES, `${name}-${step}.png`), fullPage: true });
          const { width, wanted } = await page.evaluate(() => ({
            width: innerWidth,
            wanted: document.documentElement.scrollWidth,
          }));
          assert.ok(wanted <= width, `${wanted} of ${width} pixels`);
        }
      }, options);
    }
  },
};

runCase(cases);
