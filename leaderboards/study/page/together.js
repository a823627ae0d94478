// Several videos played as one: they start together, loop together, and stand on the same frame.

const PAUSE = 400; // milliseconds on the last frame
const LATE = 0.02; // seconds; a frame lasts 0.033 or more

export class Together {
  // The first of the videos leads; `moved` hears how far it is, from 0 to 1.
  constructor(moved) {
    this.videos = [];
    this.moved = moved;
    this.run = 0;
    this.timer = undefined;
  }

  get leader() {
    return this.videos[0];
  }

  // Resolves when all can be played to their ends.
  async load(videos, sources, signal) {
    this.stop();
    this.videos = videos;
    await Promise.all(videos.map((video, number) => loaded(video, sources[number], signal)));
  }

  async playFromStart() {
    this.stop();
    const run = this.run;
    await this.seek(0);
    if (run !== this.run) return;
    // A browser may refuse to play what nobody has touched; then the slider and Replay still work.
    await Promise.all(this.videos.map((video) => video.play().catch(() => {})));
    if (run === this.run) this.follow(run);
  }

  // Stand still at a part of the whole, from 0 to 1.
  async show(part) {
    this.stop();
    const run = this.run;
    await this.seek(part * this.leader.duration);
    if (run === this.run) this.moved(part);
  }

  stop() {
    this.run += 1;
    clearTimeout(this.timer);
    for (const video of this.videos) {
      video.pause();
      video.playbackRate = 1;
    }
  }

  async seek(time) {
    await Promise.all(this.videos.map((video) => sought(video, Math.min(time, video.duration))));
  }

  follow(run) {
    if (run !== this.run) return;
    this.moved(this.leader.currentTime / this.leader.duration);
    if (this.leader.ended) {
      for (const video of this.videos) video.pause();
      this.timer = setTimeout(() => this.playFromStart(), PAUSE);
      return;
    }
    for (const video of this.videos.slice(1)) {
      const behind = this.leader.currentTime - video.currentTime;
      // A little faster or slower, which nobody sees; a jump only where that would take long.
      if (Math.abs(behind) > 0.2) video.currentTime = this.leader.currentTime;
      else video.playbackRate = Math.abs(behind) > LATE ? 1 + Math.sign(behind) * 0.1 : 1;
    }
    requestAnimationFrame(() => this.follow(run));
  }
}

function loaded(video, source, signal) {
  return new Promise((resolve, reject) => {
    video.addEventListener("canplaythrough", resolve, { once: true, signal });
    video.addEventListener("error", () => reject(new Error("A video cannot be loaded.")), { once: true, signal });
    video.src = source;
    video.load();
  });
}

function sought(video, time) {
  if (Math.abs(video.currentTime - time) < 1e-4) return Promise.resolve();
  return new Promise((resolve) => {
    video.addEventListener("seeked", resolve, { once: true });
    video.currentTime = time;
  });
}
