// Lectures and quizzes of the demo course, emitting the events that the platform's own would.
(function () {
  "use strict";
  if (window.DemoQuiz) return;

  function node(element) {
    return element.jquery ? element[0] : element;
  }
  function csrf() {
    var match = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    return match ? match[1] : "";
  }
  function call(runtime, element, handler, data) {
    return fetch(runtime.handlerUrl(element, handler), {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() },
      body: JSON.stringify(data),
    }).then(function (response) {
      return response.json();
    });
  }
  function draw(svg) {
    var values = (svg.dataset.figure || "").split(" ").filter(Boolean).map(Number);
    var top = Math.max.apply(null, values.concat(1));
    var step = 300 / Math.max(values.length, 1);
    values.forEach(function (value, i) {
      var bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      var height = Math.max(2, (96 * value) / top);
      bar.setAttribute("x", 10 + i * step + step * 0.12);
      bar.setAttribute("y", 112 - height);
      bar.setAttribute("width", step * 0.76);
      bar.setAttribute("height", height);
      bar.setAttribute("rx", 2);
      svg.appendChild(bar);
    });
  }

  window.DemoLecture = function (runtime, element, args) {
    var root = node(element).querySelector(".demo-lecture");
    var slides = Array.from(root.querySelectorAll("figure"));
    var play = root.querySelector(".demo-play");
    var seek = root.querySelector("input");
    var speed = root.querySelector("select");
    var duration = Number(root.dataset.duration);
    var at = 0;
    var timer = null;
    slides.forEach(function (slide) {
      draw(slide.querySelector("svg"));
    });
    function log(type, extra) {
      window.Logger.log(
        type,
        Object.assign({ id: args.key, code: "demo", duration: duration, currentTime: Number(at.toFixed(2)) }, extra)
      );
    }
    function show() {
      var left = at;
      var current = slides.length - 1;
      for (var i = 0; i < slides.length; i++) {
        left -= Number(slides[i].dataset.seconds);
        if (left < 0) {
          current = i;
          break;
        }
      }
      slides.forEach(function (slide, i) {
        slide.hidden = i !== current;
      });
      seek.value = at;
    }
    function stop(type) {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
      log(type);
    }
    function tick() {
      at = Math.min(duration, at + 0.1 * Number(speed.value));
      show();
      if (at >= duration) {
        stop("stop_video");
        call(runtime, element, "finish", {}).then(function () {
          root.dispatchEvent(new CustomEvent("demo:completed", { bubbles: true }));
        });
      }
    }
    play.addEventListener("click", function () {
      if (timer) return stop("pause_video");
      if (at >= duration) at = 0;
      log("play_video");
      play.textContent = "Pause";
      timer = setInterval(tick, 100);
    });
    seek.addEventListener("change", function () {
      var old = at;
      at = Number(seek.value);
      show();
      log("seek_video", { old_time: old, new_time: at, type: "onSlideSeek" });
    });
    speed.addEventListener("change", function () {
      log("speed_change_video", { old_speed: "1", new_speed: speed.value });
    });
    show();
    log("load_video");
  };

  window.DemoQuiz = function (runtime, element, args) {
    var root = node(element).querySelector(".demo-quiz");
    var fields = Array.from(root.querySelectorAll("fieldset"));
    var result = root.querySelector(".demo-result");
    function answers() {
      return fields.map(function (field) {
        var chosen = field.querySelector("input:checked");
        return chosen ? Number(chosen.value) : -1;
      });
    }
    root.querySelector(".demo-check").addEventListener("click", function () {
      if (answers().indexOf(-1) >= 0) {
        result.textContent = "Choose an answer to each question first.";
        return;
      }
      window.Logger.log("problem_check", answers().join("&"));
      call(runtime, element, "check", { answers: answers() }).then(function (reply) {
        fields.forEach(function (field, i) {
          var mark = field.querySelector(".demo-mark");
          mark.textContent = reply.right[i] ? "Right." : "Not this one. " + mark.dataset.hint;
          mark.className = "demo-mark status " + (reply.right[i] ? "correct" : "incorrect");
        });
        result.textContent = reply.grade + " of " + reply.of + " right, try " + reply.attempts;
        root.dataset.status = reply.success;
        window.Logger.log("problem_graded", [answers(), root.innerHTML], args.key);
      });
    });
    root.querySelector(".demo-show").addEventListener("click", function () {
      call(runtime, element, "show", {}).then(function (reply) {
        reply.answers.forEach(function (right, i) {
          fields[i].querySelectorAll("label")[right].classList.add("demo-right");
        });
      });
    });
  };
})();
