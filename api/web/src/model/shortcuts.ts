import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";

const pages: Record<string, "/services" | "/incidents" | "/settings"> = {
  s: "/services",
  i: "/incidents",
  ",": "/settings",
};

/** "g" then a letter goes to a page, "/" to the page's filter. Keys typed into a field are left alone. */
export function useShortcuts(): void {
  const navigate = useNavigate();
  useEffect(() => {
    let going = false;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const page = going ? pages[event.key] : undefined;
      going = event.key === "g";
      if (page) void navigate({ to: page });
      if (event.key !== "/") return;
      event.preventDefault();
      document.querySelector<HTMLElement>("[data-filter]")?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate]);
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
}
