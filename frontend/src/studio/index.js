// Studio's editing form for one nudge.
import { bare } from "../popup/server.js";
import { Form } from "./form.js";

window.NudgeStudio = function NudgeStudio(runtime, element, args) {
  const mount = bare(element).querySelector(".nudge-studio");
  new Form(mount, JSON.parse(mount.dataset.state), args.text, {
    url: runtime.handlerUrl(element, "studio_submit"),
    notify: (name, data) => runtime.notify && runtime.notify(name, data),
  }).open();
};
