/** A rate of 0 to 1 for people. Cut, not rounded: never 100 % when one failed. */
export function percent(rate: number): string {
  // 57 of 100 times 10,000 is a hair below 5,700.
  const hundredths = Math.floor(Number((rate * 10_000).toFixed(6)));
  return `${hundredths / 100} %`;
}
