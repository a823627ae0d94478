// Signs of buttons, drawn, since not every system's fonts have them.

const ICONS = {
  play: 'M7 4v16l13-8z',
  pause: 'M6 4h4v16H6zM14 4h4v16h-4z',
  back: 'M5 4h3v16H5zM20 4v16L9 12z',
  forth: 'M16 4h3v16h-3zM4 4v16l11-8z',
  previous: 'M15.5 4 18 6.5 12.5 12 18 17.5 15.5 20l-8-8z',
  next: 'M8.5 4 6 6.5 11.5 12 6 17.5 8.5 20l8-8z',
  close: 'M6.4 4 12 9.6 17.6 4 20 6.4 14.4 12l5.6 5.6-2.4 2.4-5.6-5.6L6.4 20 4 17.6 9.6 12 4 6.4z',
  auto: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2v14a7 7 0 0 1 0-14z',
  light: 'M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11 1h2v4h-2zM11 19h2v4h-2zM1 11h4v2H1zM19 11h4v2h-4zM4.9 3.5l2.8 2.8-1.4 1.4-2.8-2.8zM17.7 16.3l2.8 2.8-1.4 1.4-2.8-2.8zM3.5 19.1l2.8-2.8 1.4 1.4-2.8 2.8zM16.3 6.3l2.8-2.8 1.4 1.4-2.8 2.8z',
  dark: 'M10 3a9 9 0 1 0 11 11A8 8 0 0 1 10 3z',
};

function icon(name) {
  return drawn('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, drawn('path', { d: ICONS[name], 'fill-rule': 'evenodd' }));
}
