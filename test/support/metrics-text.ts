/** Series of a Prometheus text, by `name` or `name{label="value",…}` as written. */
export type Metrics = Map<string, number>;

export function parseMetrics(text: string): Metrics {
  const metrics: Metrics = new Map();
  for (const line of text.split('\n')) {
    const [, series, value] = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)/.exec(line) ?? [];
    if (series !== undefined) metrics.set(series, value === '+Inf' ? Infinity : Number(value));
  }
  return metrics;
}

/** The sum of all series of `name` that carry these labels; undefined when there is none. */
export function metricSum(
  metrics: Metrics,
  name: string,
  labels: { [label: string]: string } = {},
): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const values = [...metrics]
    .filter(([series]) => series === name || series.startsWith(`${name}{`))
    .filter(([series]) => wanted.every((pair) => series.includes(`{${pair}`) || series.includes(`,${pair}`)))
    .map(([, value]) => value);
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}
