/** Why a call did not do what it was to do, in words for the person who looks. */

/** What of problem details the page shows; a gateway that does not answer at all has status 0. */
export interface Problem {
  status: number;
  /** Of docs/errors.md; '' when it was not the gateway that answered. */
  code: string;
  detail: string;
  hint: string;
  /** Each thing that is wrong. */
  items: string[];
}

export const NO_ANSWER: Problem = {
  status: 0,
  code: '',
  detail: 'The gateway does not answer.',
  hint: 'It may be restarting, or the network on the way to it is down. The page tries again.',
  items: [],
};

/** @param body of an answer that is not 2xx, whatever it is */
export function problemOf(status: number, body: string): Problem {
  const { code, detail, hint, errors, problems, mend } = parsed(body);
  const words = {
    status,
    code: text(code),
    detail: text(detail) || `It was answered with status ${status}.`,
    hint: text(hint) || text(mend),
    items: [...items(errors), ...items(problems)],
  };
  if (status === 404 && words.code === '') return { ...words, detail: 'This gateway does not have that.' };
  return words;
}

/** One line for it. */
export function sentence({ status, detail, hint }: Problem): string {
  if (status === 403) return `This token may not do that: ${detail}`;
  return [detail, hint].filter((part) => part !== '').join(' ');
}

function parsed(body: string): { [member: string]: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function items(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => {
    const { pointer, path, message } = (item ?? {}) as { [member: string]: unknown };
    return [text(pointer) || text(path), text(message)].filter((part) => part !== '').join(': ');
  });
}
