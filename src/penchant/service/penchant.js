// Sends what visitors do to Penchant, in batches.
//
//   <script src="https://penchant.example/penchant.js"></script>
//   <script>
//     const penchant = Penchant({ url: "https://penchant.example", key: "pnc_…", member: "m42" });
//     penchant.send("view", "p7");
//   </script>
//
// The key stands in the page for all to see, so it must have the scope `send` alone. Nothing is sent where the visitor
// asks not to be tracked (Do Not Track, Global Privacy Control), and nothing is kept in the browser.
(function (root) {
  "use strict";
  const MOST_EVENTS = 50; // in one batch
  const MOST_BYTES = 60000; // of one batch, below what browsers send from a page that is closing
  const MOST_WAITING = 500; // the oldest go first
  const EVERY = 2000; // milliseconds
  const TRIES = 5;

  function refused() {
    const nav = root.navigator || {};
    return nav.doNotTrack === "1" || root.doNotTrack === "1" || nav.globalPrivacyControl === true;
  }

  function number() {
    const bytes = new Uint8Array(12);
    root.crypto.getRandomValues(bytes);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  root.Penchant = function (options) {
    const waiting = [];
    let timer = null;
    let sending = false;

    function send(kind, item, more) {
      if (refused() || !options.member) return false;
      const event = Object.assign({ member_id: options.member, kind: kind, id: number() }, more);
      event.at = new Date().toISOString();
      if (item !== undefined && item !== null) event.item_id = String(item);
      if (typeof event.text === "string") event.text = event.text.slice(0, 1000);
      waiting.push(event);
      if (waiting.length > MOST_WAITING) waiting.splice(0, waiting.length - MOST_WAITING);
      if (waiting.length >= MOST_EVENTS) flush();
      else if (timer === null) timer = root.setTimeout(flush, EVERY);
      return true;
    }

    function take() {
      const batch = [];
      let size = 20;
      while (waiting.length && batch.length < MOST_EVENTS) {
        const next = new TextEncoder().encode(JSON.stringify(waiting[0])).length + 1;
        if (size + next > MOST_BYTES) {
          if (batch.length) break;
          waiting.shift(); // larger than any batch may be
          continue;
        }
        size += next;
        batch.push(waiting.shift());
      }
      return batch;
    }

    async function post(batch, closing) {
      // Each event has an id of its own, so a batch that is sent twice counts once.
      return root.fetch(options.url.replace(/\/$/, "") + "/v1/events", {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: "Bearer " + options.key },
        body: JSON.stringify({ events: batch }),
        keepalive: closing === true,
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
    }

    async function flush(closing) {
      root.clearTimeout(timer);
      timer = null;
      if (closing === true) {
        const batch = take();
        if (batch.length) post(batch, true).catch(function () {});
        return;
      }
      if (sending) return;
      sending = true;
      try {
        while (waiting.length) {
          const batch = take();
          if (!batch.length) break;
          let wait = 500;
          for (let attempt = 1; ; attempt += 1) {
            let answer = null;
            try {
              answer = await post(batch, false);
            } catch (error) {
              answer = null; // no network
            }
            // What was understood and refused would be refused again.
            if (answer !== null && answer.status < 500 && answer.status !== 429 && answer.status !== 408) break;
            if (attempt >= TRIES) break;
            const told = answer === null ? 0 : 1000 * Number(answer.headers.get("Retry-After") || 0);
            await new Promise((go) => root.setTimeout(go, Math.max(wait, told) * (0.75 + Math.random() / 2)));
            wait *= 2;
          }
        }
      } finally {
        sending = false;
      }
    }

    if (root.document) {
      root.document.addEventListener("visibilitychange", function () {
        if (root.document.visibilityState === "hidden") flush(true);
      });
    }
    return { send: send, flush: flush };
  };
})(typeof window === "undefined" ? globalThis : window);
