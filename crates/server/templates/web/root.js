// Addresses of links name their page behind the #, which browsers keep to themselves: /#page=puplink&code=CODE.
"use strict";

const pages = { puplink: "/puplink/show", publink: "/publink/show" };

function goOn() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const name = asked.get("page");
  const code = asked.get("code");
  if (!Object.hasOwn(pages, name) || !code) return;
  location.replace(`${pages[name]}?code=${encodeURIComponent(code)}`);
}

addEventListener("hashchange", goOn);
goOn();
