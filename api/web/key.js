// The service's key: asked for once, when the service first says that it needs one.

import { byId } from "./dom.js";

/** Opens the dialog; brings the key, or null when it was closed without one. `why`: what was wrong with the last. */
export function askForKey(why) {
  const dialog = byId("key-dialog"), input = byId("key");
  byId("key-why").textContent = why || "It stays in this tab and is forgotten when you close it.";
  dialog.returnValue = "";
  input.value = "";
  dialog.showModal();
  byId("key-cancel").onclick = () => dialog.close("");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = input.value.trim();
      resolve(dialog.returnValue === "given" && given ? given : null);
      input.value = "";
    }, { once: true });
  });
}
