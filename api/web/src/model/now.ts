import { createContext, useContext, useSyncExternalStore } from "react";

/** A clock: the time now, and word when a second has passed. */
export interface Clock {
  now(): Date;
  subscribe(notify: () => void): () => void;
}

/** The wall clock, moving in whole seconds. */
export const wallClock: Clock = {
  now: () => new Date(Math.floor(Date.now() / 1000) * 1000),
  subscribe: (notify) => {
    const timer = setInterval(notify, 1000);
    return () => clearInterval(timer);
  },
};

export const ClockContext = createContext<Clock>(wallClock);

/** The time now; the component is drawn again each second. */
export function useNow(): Date {
  const clock = useContext(ClockContext);
  return new Date(useSyncExternalStore(clock.subscribe, () => clock.now().getTime()));
}
