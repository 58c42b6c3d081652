// The outer page: keeps the unit's iframe as tall as its content, and logs the steps between units.
(function () {
  "use strict";
  var frame = document.getElementById("unit-iframe");
  addEventListener("message", function (message) {
    if (message.source !== frame.contentWindow || !message.data) return;
    if (message.data.type === "plugin.resize") frame.style.height = message.data.payload.height + "px";
  });
  document.querySelectorAll("[data-step]").forEach(function (link) {
    link.addEventListener("click", function () {
      var inner = frame.contentWindow;
      if (inner && inner.Logger) inner.Logger.log(link.dataset.step, { old: 0, new: 1, id: frame.src });
    });
  });
})();
