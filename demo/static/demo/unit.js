// Tells the outer page how tall the unit is, as the platform's units do.
(function () {
  "use strict";
  function tell() {
    parent.postMessage({ type: "plugin.resize", payload: { height: document.documentElement.scrollHeight } }, "*");
  }
  new ResizeObserver(tell).observe(document.body);
  addEventListener("load", tell);
})();
