// The cases of js.sh, one for each name. Exit code 0 means that the case holds.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { runCase } = require("../lib/cases.cjs");

const { ADDRESS, EMAIL, PASSWORD, OAUTH, WORK, APP } = process.env;

// The package reads this global without declaring it; a number that it does not know makes it use its default host.
global.locationid = 99;

// All requests go through here; those for pCloud's hosts go to the suite's server.
const transport = require("pcloud-sdk-js/lib/api/ApiRequest");
const original = transport.default;
transport.default = (url, options) =>
  original(url.replace(/^https:\/\/e?api\.pcloud\.com/, `http://${ADDRESS}`), options);

const sdk = require("pcloud-sdk-js");

// get ADDRESS: the body of a plain GET. Links lead to https, which this server does not speak here.
function get(url) {
  return new Promise((resolve, reject) => {
    http
      .get(url.replace(/^https:/, "http:"), (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () => resolve(Buffer.concat(pieces)));
      })
      .on("error", reject);
  });
}

// page QUERY ANSWER: what a person does on the page of OAuth; answers where the browser is led to.
async function page(query, answer) {
  const target = `http://${ADDRESS}/oauth2/authorize?${new URLSearchParams(query)}`;
  const send = (form, cookie) =>
    fetch(target, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: { Origin: `http://${ADDRESS}`, Cookie: cookie },
      body: form && new URLSearchParams(form),
    });
  const login = await send({ do: "login", email: EMAIL, password: PASSWORD }, "");
  const cookie = login.headers.get("set-cookie").split(";")[0];
  const asked = await (await send(null, cookie)).text();
  const seal = asked.match(/name="seal" value="([^"]+)"/)[1];
  const answered = await send({ do: answer, seal }, cookie);
  return { location: answered.headers.get("location"), text: await answered.text() };
}

const cases = {
  async oauth() {
    const client = sdk.createClient(OAUTH);
    const info = await client.userinfo();
    assert.equal(info.email, EMAIL);
  },

  async login() {
    const client = sdk.createClient("", "pcloud");
    const token = await client.login(EMAIL, PASSWORD);
    assert.ok(token.length > 20);
    assert.equal((await client.userinfo()).email, EMAIL);
  },

  async refused() {
    const client = sdk.createClient("wrong");
    await assert.rejects(client.userinfo(), (error) => error.result === 2094);
  },

  async folders() {
    const client = sdk.createClient(OAUTH);
    const folder = await client.createfolder("js", 0);
    const inner = await client.createfolder("inner", folder.folderid);
    await client.renamefolder(inner.folderid, "renamed");
    const other = await client.createfolder("other", 0);
    const moved = await client.movefolder(inner.folderid, other.folderid);
    assert.equal(moved.parentfolderid, other.folderid);
    const listed = await client.listfolder(other.folderid);
    assert.deepEqual(
      listed.contents.map((entry) => entry.name),
      ["renamed"],
    );
    await client.deletefolder(other.folderid);
    await client.deletefolder(folder.folderid);
    assert.deepEqual((await client.listfolder(0)).contents, []);
  },

  async files() {
    const client = sdk.createClient(OAUTH);
    const local = path.join(WORK, "local file.bin");
    const content = Buffer.from(Array.from({ length: 300000 }, (_, at) => (at * 7) % 251));
    fs.writeFileSync(local, content);
    const { metadata, checksums } = await client.upload(local, 0);
    assert.equal(metadata.name, "local file.bin");
    assert.equal(metadata.size, content.length);
    assert.match(checksums.sha1, /^[0-9a-f]{40}$/);
    const url = await client.getfilelink(metadata.fileid);
    assert.ok((await get(url)).equals(content));
    const renamed = await client.renamefile(metadata.fileid, "renamed.bin");
    assert.equal(renamed.name, "renamed.bin");
    const folder = await client.createfolder("target", 0);
    const moved = await client.movefile(metadata.fileid, folder.folderid);
    assert.equal(moved.parentfolderid, folder.folderid);
    await client.deletefile(metadata.fileid);
    assert.deepEqual((await client.listfolder(folder.folderid)).contents, []);
    await client.deletefolder(folder.folderid);
  },

  async progress() {
    const client = sdk.createClient(OAUTH);
    const local = path.join(WORK, "progress.bin");
    fs.writeFileSync(local, Buffer.alloc(2000000, 1));
    const told = [];
    const { metadata } = await client.upload(local, 0, {
      onProgress: (progress) => told.push(progress.loaded),
    });
    assert.ok(told.length > 1);
    await client.deletefile(metadata.fileid);
  },

  async remote() {
    // Long enough for the server to write down how far it is, which it does every second.
    const pieces = 25;
    const piece = Buffer.alloc(100000, 7);
    const source = http.createServer(async (request, response) => {
      response.setHeader("Content-Length", pieces * piece.length);
      for (let at = 0; at < pieces; at++) {
        response.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      response.end();
    });
    await new Promise((resolve) => source.listen(0, "127.0.0.1", resolve));
    const client = sdk.createClient(OAUTH);
    const told = [];
    const url = `http://127.0.0.1:${source.address().port}/remote.bin`;
    const { metadata } = await client.remoteupload(url, 0, {
      onProgress: (progress) => told.push(progress.all.downloaded),
    });
    source.close();
    assert.equal(metadata.name, "remote.bin");
    assert.equal(metadata.size, pieces * piece.length);
    assert.ok(told.some((bytes) => bytes > 0 && bytes <= metadata.size), `progress: ${told}`);
    await client.deletefile(metadata.fileid);
  },

  async code() {
    const app = JSON.parse(APP);
    const { text } = await page({ client_id: app.client_id, response_type: "code" }, "allow");
    const code = text.match(/<code>([^<]+)<\/code>/)[1];
    const answer = await sdk.oauth.getTokenFromCode(code, app.client_id, app.client_secret);
    assert.equal(answer.token_type, "bearer");
    assert.equal(answer.locationid, 1);
    assert.equal((await sdk.createClient(answer.access_token).userinfo()).email, EMAIL);
    await assert.rejects(
      sdk.oauth.getTokenFromCode(code, app.client_id, app.client_secret),
      (error) => error.result === 2012,
    );
  },

  async poll() {
    const app = JSON.parse(APP);
    let opened;
    global.window = { open: (url) => (opened = new URL(url)) };
    // The package asks at both of pCloud's places, and here both are this server: one call gets the token.
    const token = new Promise((resolve) =>
      sdk.oauth.initOauthPollToken({
        client_id: app.client_id,
        receiveToken: (token, locationid) => resolve({ token, locationid }),
        onError: (error) => assert.equal(error.result, 2012),
      }),
    );
    assert.equal(opened.pathname, "/oauth2/authorize");
    await page(Object.fromEntries(opened.searchParams), "allow");
    const given = await token;
    assert.equal(given.locationid, 1);
    assert.equal((await sdk.createClient(given.token).userinfo()).email, EMAIL);
  },
};

runCase(cases);
