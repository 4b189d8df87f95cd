/** What a token of the REST surface may be allowed to do. */
export type Scope = 'publish' | 'read' | 'admin';

/**
 * What a call of a controller's method needs. `public`: nothing, anybody may; for pages that a browser opens before it
 * can send a token, and which hold no data. `any`: a token, whatever its scopes.
 */
export type Access = Scope | 'any' | 'public';

/** Metadata key under which a controller's method says its {@link Access}; without one, `admin`. */
export const SCOPE_METADATA = 'holdfast:scope';
