/** What a token of the REST surface may be allowed to do. */
export type Scope = 'publish' | 'read' | 'admin';

/** Metadata key under which a controller's method says which scope a call of it needs; without one, `admin`. */
export const SCOPE_METADATA = 'holdfast:scope';
