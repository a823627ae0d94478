/* Browsers start no worker for a page that is opened from the disk. There the search runs in a hidden frame instead. */
if (location.protocol === "file:") {
  window.Worker = class {
    onmessage = null;
    onerror = null;
    onmessageerror = null;

    constructor(address) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow;
      inner.postMessage = (data) => this.later(() => this.onmessage?.({ data: structuredClone(data) }));
      const script = inner.document.createElement("script");
      script.src = new URL(address, location.href).href;
      this.ready = new Promise((resolve) => script.addEventListener("load", resolve));
      script.addEventListener("error", (event) => this.onerror?.(event));
      inner.document.body.append(script);
    }

    postMessage(data) {
      const sent = structuredClone(data);
      this.ready.then(() => this.later(() => this.frame.contentWindow.onmessage?.({ data: sent })));
    }

    later(act) {
      setTimeout(() => this.frame && act());
    }

    terminate() {
      this.frame?.remove();
      this.frame = null;
    }
  };
}
