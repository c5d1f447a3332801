import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

// What every browser has and jsdom lacks.
window.matchMedia = (media) => Object.assign(new EventTarget(), { media, matches: false }) as MediaQueryList;
window.scrollTo = () => {};

afterEach(cleanup);
