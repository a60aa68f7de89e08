/** Light, dark, or as the system is; remembered by the browser. */
export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const PLACE = 'lifealign theme';

export function currentTheme(): Theme {
  const kept = localStorage.getItem(PLACE);
  return THEMES.find((theme) => theme === kept) ?? 'auto';
}

export function applyTheme(theme = currentTheme()): void {
  localStorage.setItem(PLACE, theme);
  document.documentElement.style.colorScheme = theme === 'auto' ? 'light dark' : theme;
}
