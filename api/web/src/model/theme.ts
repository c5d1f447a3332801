import { useSyncExternalStore } from "react";

/** What the person chose; "system" follows the machine. */
export type Theme = "system" | "light" | "dark";
const themes: Theme[] = ["system", "light", "dark"];
const key = "midwatch.theme";
const changed = "midwatch-theme";

/** Marks the page with the chosen theme; the style sheet does the rest. */
export function applyTheme(): void {
  const theme = chosen();
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

function chosen(): Theme {
  const kept = localStorage.getItem(key);
  return themes.find((t) => t === kept) ?? "system";
}

/** The chosen theme, and a function that takes the next one. */
export function useTheme(): [Theme, () => void] {
  const theme = useSyncExternalStore(subscribe, chosen);
  const next = () => {
    localStorage.setItem(key, themes[(themes.indexOf(theme) + 1) % themes.length] ?? "system");
    applyTheme();
    window.dispatchEvent(new Event(changed));
  };
  return [theme, next];
}

/** Whether the page is dark now, for what is drawn on a canvas. */
export function useDark(): boolean {
  return useSyncExternalStore(subscribe, () => {
    const theme = chosen();
    return theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  });
}

function subscribe(notify: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", notify);
  window.addEventListener(changed, notify);
  return () => {
    system.removeEventListener("change", notify);
    window.removeEventListener(changed, notify);
  };
}
