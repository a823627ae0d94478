// Dark or light: as the system says, until somebody chooses.

const THEMES = ['auto', 'light', 'dark'];
const THEME_KEY = 'lia-bench-theme';

function storedTheme() {
  try {
    const theme = localStorage.getItem(THEME_KEY);
    return THEMES.includes(theme) ? theme : 'auto';
  } catch {
    return 'auto'; // Some browsers keep nothing for pages from disk.
  }
}

function applyTheme(theme, button) {
  document.documentElement.dataset.theme = theme;
  button.replaceChildren(icon(theme), { auto: 'Auto', light: 'Light', dark: 'Dark' }[theme]);
  button.setAttribute('aria-label', `Colours: ${theme}`);
}

function setUpTheme(button) {
  let theme = storedTheme();
  applyTheme(theme, button);
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    applyTheme(theme, button);
    try {
      localStorage.setItem(THEME_KEY, theme);
    } catch {
      // Chosen for this visit only.
    }
  });
}
