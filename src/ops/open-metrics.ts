/** OpenMetrics 1.0: what Prometheus text must be in order to have exemplars. */
const MEDIA_TYPE = 'application/openmetrics-text';
const VERSIONS = [undefined, '0.0.1', '1.0.0'];

/** Whether it is asked for by name, and nothing else that is named more. @param accept the header of the request */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  let open = 0;
  let plain = 0;
  for (const range of accept?.split(',') ?? []) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const given = new Map(parameters.map((one) => one.split('=', 2) as [string, string | undefined]));
    const quality = Number(given.get('q') ?? 1);
    if (type === MEDIA_TYPE && VERSIONS.includes(given.get('version'))) open = Math.max(open, quality);
    else if (type === 'text/plain') plain = Math.max(plain, quality);
  }
  return open > 0 && open >= plain;
}

/**
 * Counters are named without `_total` where they are described, no line is blank, and the end is marked. @param text
 * Prometheus text, whose buckets may have exemplars
 */
export function openMetricsOf(text: string): string {
  const described = text.replace(
    /^# HELP (\S+)_total (.*)\n# TYPE \1_total counter$/gm,
    '# HELP $1 $2\n# TYPE $1 counter',
  );
  return `${described}\n# EOF\n`.replace(/\n{2,}/g, '\n').trimStart();
}
