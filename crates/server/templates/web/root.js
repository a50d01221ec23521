// Addresses of links name their page behind the #, which browsers keep to themselves: /#page=puplink&code=CODE.
"use strict";

// Where each page is, and what its address has to say. An invitation need not bring its code.
const pages = {
  puplink: { path: "/puplink/show", names: "code" },
  publink: { path: "/publink/show", names: "code" },
  register: { path: "/account/register", names: "invite", isOptional: true },
};

function goOn() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const name = asked.get("page");
  if (!Object.hasOwn(pages, name)) return;
  const { path, names, isOptional } = pages[name];
  const code = asked.get(names);
  if (code) location.replace(`${path}?${names}=${encodeURIComponent(code)}`);
  else if (isOptional) location.replace(path);
}

addEventListener("hashchange", goOn);
goOn();
