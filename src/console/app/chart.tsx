/** A chart, with what it shows in words and as a table for who cannot see it. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { shortClock } from '../shown/format.js';
import { inWords, summary, topOf, type Series } from '../shown/series.js';
import { nowMs } from './live.js';

const HEIGHT = 170;
/** Lines are told apart without their colours, too. */
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

interface ChartParts {
  title: string;
  series: Series;
  format: (value: number) => string;
  /** The axis goes up to this at least. */
  least: number;
  /** The horizontal line that must not be reached. */
  limit?: { label: string; value: number };
}

export function Chart(parts: ChartParts) {
  const { title, series, format } = parts;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data: uPlot.AlignedData = [series.times, ...series.lines.map(({ values }) => values)];
  useEffect(() => {
    const element = box.current!;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(options(parts, element), data, element);
    };
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    sized.observe(element);
    return () => {
      dark.removeEventListener('change', draw);
      sized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [series]);
  return (
    <figure>
      <figcaption>
        <h3>{title}</h3>
        <ul class="legend" aria-hidden="true">
          {series.lines.map((line, index) => (
            <li key={line.label}>
              <svg width="22" height="6">
                <line
                  class={`line-${index + 1}`}
                  x1="0"
                  y1="3"
                  x2="22"
                  y2="3"
                  stroke-dasharray={DASHES[index]?.join(' ')}
                />
              </svg>
              {line.label} <strong>{known(summary(line).now, format)}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} role="img" aria-label={`${title}. ${inWords(series, format)}`} />
      <Figures {...parts} />
    </figure>
  );
}

function Figures({ series, format, title, limit }: ChartParts) {
  return (
    <details>
      <summary>Figures</summary>
      <table aria-label={title}>
        <thead>
          <tr>
            {['', 'Now', 'Average', 'Most'].map((head) => (
              <th key={head} scope="col">
                {head === '' ? <span class="sr-only">What</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {series.lines.map(summary).map(({ label, now, mean, max }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{known(now, format)}</td>
              <td>{known(mean, format)}</td>
              <td>{known(max, format)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {limit && (
        <p>
          {limit.label}: {format(limit.value)}
        </p>
      )}
    </details>
  );
}

function known(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

function options({ series, format, least }: ChartParts, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--pico-muted-color'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
    scales: { y: { range: (_plot, _min, max) => [0, topOf(max, least)] } },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_plot, ticks) =>
          ticks.map((tick) => shortClock(new Date(tick * 1000).toISOString(), nowMs.value).slice(0, -3)),
      },
      { ...axis, size: 70, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.lines.map(({ label }, index) => ({
        label,
        stroke: colour(`--line-${index + 1}`),
        width: 1.6,
        dash: DASHES[index],
        points: { show: false },
      })),
    ],
  };
}
