/** What real Helm makes of the chart, as the kubelet reads it. */
import { chartWithNotes, parentChart, template, type Values } from '../chart/helm.js';
import { parseManifests, type Manifest } from '../support/kubelet/manifests.js';

/** The pods of the standalone mode are `gw-holdfast-0`, …. */
export const SET = 'gw-holdfast';

export function render(values: object, chart?: string): Manifest[] {
  const { code, output, problem } = template(values as Values, { chart });
  if (code !== 0) throw new Error(problem);
  return parseManifests(output);
}

/** Of the chart that shows how another one includes the gateway; its pods are `gw-0`, …. */
export function renderSidecar(values: object): Manifest[] {
  return render(values, parentChart());
}

/** What `helm install` says at its end. */
export function notesOf(values: object): string {
  return (render(values, chartWithNotes()).find(({ kind }) => kind === 'Notes') as Manifest & { text: string }).text;
}
