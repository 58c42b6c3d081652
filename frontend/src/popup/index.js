// What the XBlock runtime starts: the learner's card, the author's preview or the staff's tabs.
import { watch } from "./moments.js";
import { page } from "./page.js";
import { preview, draw } from "./preview.js";
import { bare } from "./server.js";
import { staff } from "./staff.js";

function learner(runtime, element, args) {
  const block = { element, text: args.text, url: (name) => runtime.handlerUrl(element, name) };
  const here = page();
  here.voice(element);
  watch(args, element, (moment) => here.moment(block, moment));
}

const views = { learner, staff, author: (runtime, element, args) => preview(element, args) };

window.NudgeCard = function NudgeCard(runtime, element, args) {
  views[args.view](runtime, bare(element), args);
};
window.NudgeCard.draw = draw;
