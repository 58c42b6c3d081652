// Tells the outer page how tall the unit is, as the platform's units do.  The body is measured, which ends where
// its content ends; the document is never less tall than the iframe, which could then grow but not shrink.
(function () {
  "use strict";
  function tell() {
    parent.postMessage({ type: "plugin.resize", payload: { height: document.body.scrollHeight } }, "*");
  }
  new ResizeObserver(tell).observe(document.body);
  addEventListener("load", tell);
})();
