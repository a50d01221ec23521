// Sends chosen or dropped files through an upload link, one after the other. Without this script the form does it alone.
"use strict";

const form = document.getElementById("upload");
const say = form.dataset;
const input = document.getElementById("files");
const drop = document.getElementById("drop");
const list = document.getElementById("list");
const told = document.getElementById("told");
const whole = document.getElementById("whole");
const send = document.getElementById("send");
const stop = document.getElementById("stop");

// Codes after which no file of any size gets through.
const CLOSED = [7001, 7002, 7004, 7008, 4000];
// Trouble that may be over at the next try.
const BROKEN = 0;

// What is to be sent: { file, row, status, bar, state }, state being "waiting", "done" or "failed".
let items = [];
let request = null;
let stopped = false;
let filesLeft = say.files === undefined ? Infinity : Number(say.files);
let bytesLeft = say.bytes === undefined ? Infinity : Number(say.bytes);

function size(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || bytes >= 100 ? 0 : 1;
  return `${bytes.toLocaleString(say.lang, { maximumFractionDigits: digits })} ${units[unit]}`;
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  if (text) made.textContent = text;
  return made;
}

function problem(code) {
  return say[`code${code}`] ?? say.code0;
}

// Writes what there is to say about a file beside its name.
function tell(item, text, state) {
  item.status.textContent = text;
  item.row.dataset.state = state;
}

function add(file) {
  const row = element("li", "file");
  const head = element("div", "head");
  const status = element("span", "status", size(file.size));
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.hidden = true;
  bar.setAttribute("aria-label", file.name);
  const remove = element("button", "link", say.remove);
  remove.type = "button";
  remove.setAttribute("aria-label", `${say.remove}: ${file.name}`);
  const item = { file, row, status, bar, remove, state: "waiting" };
  remove.addEventListener("click", () => {
    items = items.filter((other) => other !== item);
    row.remove();
    show();
    (list.querySelector("button:not([hidden])") ?? input).focus();
  });
  head.append(element("span", "title", file.name), remove);
  row.append(head, status, bar);
  list.append(row);
  items.push(item);
}

function choose(files) {
  if (request) return;
  items.filter((item) => item.state === "done").forEach((item) => item.row.remove());
  items = items.filter((item) => item.state !== "done");
  for (const file of files) add(file);
  input.value = "";
  told.textContent = "";
  told.className = "";
  whole.hidden = true;
  show();
}

// What the link takes is known beforehand, so that nobody sends a gigabyte for nothing.
function show() {
  let files = filesLeft;
  let bytes = bytesLeft;
  for (const item of items.filter((item) => item.state !== "done")) {
    const code = files < 1 ? 7008 : item.file.size > bytes ? 7007 : null;
    if (code) {
      tell(item, problem(code), "failed");
      item.state = "failed";
    } else {
      files -= 1;
      bytes -= item.file.size;
      item.state = "waiting";
      tell(item, size(item.file.size), "waiting");
    }
  }
  list.hidden = items.length === 0;
  // The browser would go on to say that no file is chosen.
  drop.classList.toggle("chosen", items.length > 0);
  input.required = items.length === 0;
  send.disabled = items.length > 0 && !items.some((item) => item.state === "waiting");
}

// Sends one file; resolves to the result code.
function put(item, grown) {
  const query = new URLSearchParams({ code: say.code, filename: item.file.name, nopartial: "1" });
  const names = form.elements.names.value.trim();
  if (names) query.set("names", names);
  return new Promise((resolve) => {
    request = new XMLHttpRequest();
    request.open("PUT", `/uploadtolink?${query}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => grown(event.loaded));
    request.addEventListener("load", () => resolve(request.response ? request.response.result : BROKEN));
    request.addEventListener("error", () => resolve(BROKEN));
    request.addEventListener("abort", () => resolve(BROKEN));
    request.send(item.file);
  });
}

function busy(is) {
  send.hidden = is;
  stop.hidden = !is;
  input.disabled = is;
  form.elements.names.disabled = is;
  for (const item of items) item.remove.hidden = is || item.state === "done";
  drop.classList.toggle("busy", is);
}

async function run() {
  const waiting = items.filter((item) => item.state === "waiting");
  const wanted = items.filter((item) => item.state !== "done").length;
  const total = waiting.reduce((sum, item) => sum + item.file.size, 0);
  let before = 0;
  let sent = 0;
  stopped = false;
  told.className = "";
  busy(true);
  stop.focus();
  whole.hidden = false;
  whole.value = 0;
  for (const [index, item] of waiting.entries()) {
    told.textContent = say.sending.replace("{1}", index + 1).replace("{2}", waiting.length);
    item.bar.hidden = false;
    tell(item, size(item.file.size), "sending");
    const result = await put(item, (bytes) => {
      const arrived = Math.min(bytes, item.file.size);
      item.bar.value = item.file.size ? arrived / item.file.size : 1;
      item.status.textContent = `${size(arrived)} / ${size(item.file.size)}`;
      whole.value = total ? (before + arrived) / total : 1;
    });
    item.bar.hidden = true;
    before += item.file.size;
    if (result === 0 && request.status === 200) {
      sent += 1;
      item.state = "done";
      tell(item, say.arrived, "done");
      filesLeft -= 1;
      bytesLeft -= item.file.size;
      continue;
    }
    if (stopped) {
      tell(item, say.stopped, "waiting");
      break;
    }
    item.state = "failed";
    tell(item, request.status === 200 ? problem(result) : say.lost, "failed");
    if (request.status !== 200) {
      // Nothing is kept of a file that breaks off, so it can be tried again.
      item.state = "waiting";
      break;
    }
    if (CLOSED.includes(result)) {
      waiting.slice(index + 1).forEach((other) => tell(other, problem(result), "failed"));
      break;
    }
  }
  request = null;
  busy(false);
  finish(sent, wanted);
}

function finish(sent, wanted) {
  whole.hidden = true;
  if (sent > 0) {
    // What stands there was true before.
    document.getElementById("limits").hidden = true;
    fetch(`/notifyuploadlink?${new URLSearchParams({ code: say.code })}`, { method: "POST", keepalive: true }).catch(() => {});
  }
  if (sent === wanted) {
    told.textContent = say.thanks;
    told.className = "done";
  } else {
    told.textContent = say.some.replace("{1}", sent).replace("{2}", wanted);
  }
  send.disabled = !items.some((item) => item.state === "waiting");
  input.required = items.every((item) => item.state === "done");
  (send.disabled ? input : send).focus();
}

document.getElementById("hint").hidden = false;
input.addEventListener("change", () => choose(input.files));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!request && items.some((item) => item.state === "waiting")) run();
});
stop.addEventListener("click", () => {
  stopped = true;
  if (request) request.abort();
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.toggle("over", !request);
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  choose(event.dataTransfer.files);
});
addEventListener("beforeunload", (event) => {
  if (request) event.preventDefault();
});
