// The page's Logger as the platform has it: log() tells listeners and the server, listen() waits for an event.
(function () {
  "use strict";
  var listeners = {};
  function key(type, element) {
    return type + "\n" + (element === undefined ? null : element);
  }
  function csrf() {
    var match = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    return match ? match[1] : "";
  }
  window.Logger = {
    log: function (type, data, element) {
      (listeners[key(type, element || null)] || []).forEach(function (callback) {
        try {
          callback(type, data, element);
        } catch (error) {
          console.error(error);
        }
      });
      var body = new URLSearchParams({ event_type: type, event: JSON.stringify(data), page: location.href });
      return fetch("/event", { method: "POST", body: body, headers: { "X-CSRFToken": csrf() }, keepalive: true }).catch(
        function () {}
      );
    },
    listen: function (type, element, callback) {
      var name = key(type, element);
      (listeners[name] = listeners[name] || []).push(callback);
    },
  };
  addEventListener("pagehide", function () {
    window.Logger.log("page_close", {});
  });
})();
