// Several videos kept in step: one of them is the clock, the others follow it.

const SEEK_LIMIT_MS = 3000;

/** Let a video show the frame at `time`; settles when it does, when it cannot, or after a while. */
function seek(video, time) {
  if (video.readyState < HTMLMediaElement.HAVE_METADATA || video.error) return Promise.resolve();
  const wanted = Math.min(time, Math.max(0, video.duration - 1e-3));
  if (Math.abs(video.currentTime - wanted) < 1e-4 && !video.seeking) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      video.removeEventListener('seeked', done);
      video.removeEventListener('error', done);
      resolve();
    };
    const timer = setTimeout(done, SEEK_LIMIT_MS);
    video.addEventListener('seeked', done);
    video.addEventListener('error', done);
    video.currentTime = wanted;
  });
}

class Playback {
  /** `videos`: the first is the clock; `changed` is called with whatever the user should see of the state. */
  constructor(videos, { frames, fps }, changed) {
    Object.assign(this, { videos, frames, fps, changed });
    Object.assign(this, { frame: 0, playing: false, speed: 1, loop: true, seeking: false, closed: false });
  }

  get clock() {
    return this.videos.find((video) => !video.error && video.readyState >= HTMLMediaElement.HAVE_METADATA) ?? this.videos[0];
  }

  /** The middle of a frame's time, where rounding cannot show its neighbour. */
  timeOf(frame) {
    return (frame + 0.5) / this.fps;
  }

  /** Show a frame in all videos; while they are looking for one, only the newest wish is kept. */
  async show(frame) {
    this.frame = Math.max(0, Math.min(this.frames - 1, Math.round(frame)));
    this.changed();
    if (this.seeking) return;
    this.seeking = true;
    let shown;
    do {
      shown = this.frame;
      await Promise.all(this.videos.map((video) => seek(video, this.timeOf(shown))));
      if (this.closed) return;
      this.changed();
    } while (shown !== this.frame);
    this.seeking = false;
    if (this.playing) this.start();
  }

  play() {
    if (this.playing || this.closed) return;
    this.playing = true;
    this.show(this.frame >= this.frames - 1 ? 0 : this.frame);
  }

  /** All at once, after all of them stand at the same frame. */
  start() {
    for (const video of this.videos) {
      video.playbackRate = this.speed;
      // A video that cannot play says so by its error event.
      video.play().catch(() => {});
    }
    cancelAnimationFrame(this.ticking);
    this.ticking = requestAnimationFrame(() => this.tick());
  }

  stop() {
    cancelAnimationFrame(this.ticking);
    for (const video of this.videos) video.pause();
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.stop();
    this.show(this.frame);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Go to a frame, and play on from there if it was playing. */
  scrub(frame) {
    this.stop();
    this.show(frame);
  }

  step(frames) {
    if (this.playing) this.pause();
    this.show(this.frame + frames);
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const video of this.videos) video.playbackRate = speed;
    this.changed();
  }

  tick() {
    if (!this.playing || this.seeking || this.closed) return;
    const clock = this.clock;
    if (clock.ended || clock.currentTime >= this.frames / this.fps - 1e-3) return this.end();
    this.frame = Math.min(this.frames - 1, Math.floor(clock.currentTime * this.fps + 1e-3));
    for (const video of this.videos) if (video !== clock) this.follow(video, clock.currentTime);
    this.changed();
    this.ticking = requestAnimationFrame(() => this.tick());
  }

  /** A little faster or slower within a frame of the clock, a jump beyond. */
  follow(video, time) {
    if (video.seeking || video.ended || video.error) return;
    const ahead = video.currentTime - time;
    if (Math.abs(ahead) * this.fps > 1) {
      video.currentTime = time;
    } else {
      video.playbackRate = this.speed * (1 - Math.max(-0.5, Math.min(0.5, ahead * this.fps)) * 0.4);
    }
  }

  end() {
    this.stop();
    if (this.loop) {
      this.show(0);
    } else {
      this.playing = false;
      this.show(this.frames - 1);
    }
  }

  close() {
    this.closed = true;
    this.playing = false;
    this.stop();
    for (const video of this.videos) {
      // Frees the decoder at once.
      video.removeAttribute('src');
      video.load();
    }
  }
}
