/** Topics and filters from so few words that they often meet. */
import fc from 'fast-check';

const word = fc.constantFrom('a', 'b', '', '$a', 'ü');

export const topics = fc
  .array(word, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');

export const filters = fc
  .tuple(
    fc.constantFrom('', '', '$share/group/'),
    fc.array(fc.oneof(word, fc.constant('+')), { maxLength: 4 }),
    fc.boolean(),
  )
  .map(([share, levels, open]) => share + [...levels, ...(open ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '' && filter !== '$share/group/');
