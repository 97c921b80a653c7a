/** Colours, or none. */
type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;

/** The colour of a state, of a delivery, an endpoint, a destination, a replay or a signature. */
export function paintState(paint: Paint, state: string, text = state): string {
  const style = STYLES[state];
  return style === undefined ? text : paint(style, text);
}

const STYLES: Readonly<Record<string, Style>> = {
  success: "green",
  active: "green",
  completed: "green",
  valid: "green",
  failed: "red",
  disabled: "red",
  invalid: "red",
  open: "red",
  half_open: "yellow",
  failing: "yellow",
  absent: "yellow",
  sent: "cyan",
  running: "cyan",
  cancelled: "dim",
};
