// Films side by side with one set of controls; as an element, so that it works wherever its markup is put.

class StudioPlayer extends HTMLElement {
  connectedCallback() {
    if (this.playback) return;
    const videos = [...this.querySelectorAll('video')];
    const find = (name) => this.querySelector(name);
    const [toggle, position, count, sound] = ['.toggle', '.position', '.count', '.sound'].map(find);
    const frames = Number(this.dataset.frames);
    const playback = new Playback(videos, { frames, fps: Number(this.dataset.fps) }, () => {
      position.value = playback.frame;
      count.value = `${playback.frame + 1} of ${frames}`;
      toggle.textContent = playback.playing ? 'Pause' : 'Play';
    });
    this.playback = playback;
    toggle.addEventListener('click', () => playback.toggle());
    position.addEventListener('input', () => playback.scrub(Number(position.value)));
    sound?.addEventListener('change', () => {
      videos.forEach((video, index) => { video.muted = !sound.checked || index !== videos.length - 1; });
    });
    for (const video of videos) {
      video.muted = true;
      video.addEventListener('click', () => playback.toggle());
    }
  }

  disconnectedCallback() {
    this.playback?.pause();
  }
}

customElements.define('studio-player', StudioPlayer);
