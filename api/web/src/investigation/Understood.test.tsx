import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Understood } from "./Understood";

const nothing = { investigation: "inv-1", services: [], unknown: [], misread: [] };
const window = { from: new Date("2026-03-01T12:00:00Z"), to: new Date("2026-03-01T12:15:00Z") };

test("says whom and which time a question is about, and what is none", () => {
  render(
    <Understood
      asked={{ ...nothing, services: ["cart", "checkout"], unknown: ["billing"], misread: ["25:99"], found: window }}
    />,
  );
  const text = screen.getByRole("status").textContent;
  for (const said of [
    "About cart, checkout.",
    "something began then",
    "Not understood as a time: 25:99.",
    "Not seen here lately: billing.",
  ]) {
    expect(text).toContain(said);
  }
});

test("says what is looked at where nothing was understood", () => {
  render(<Understood asked={nothing} />);
  const text = screen.getByRole("status").textContent;
  expect(text).toContain("About every service");
  expect(text).toContain("about the last minutes");
});
