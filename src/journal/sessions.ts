import type { DatabaseSync } from 'node:sqlite';
import type { AcknowledgedSubscription, LinkState } from '../domain/journal.js';

/** What the link keeps for one session (broker and client id). Runs inside a transaction. */
export class SessionTable {
  constructor(private readonly db: DatabaseSync) {}

  read(session: string): LinkState {
    const subscriptions = this.db
      .prepare('SELECT filter, qos FROM acknowledged_subscriptions WHERE session = ?')
      .all(session) as unknown as AcknowledgedSubscription[];
    const unreleased = this.db
      .prepare('SELECT packet_id FROM unreleased WHERE session = ?')
      .all(session) as unknown as {
      packet_id: number;
    }[];
    return {
      subscriptions: subscriptions.map((row) => ({ ...row })),
      unreleased: unreleased.map((row) => row.packet_id),
    };
  }

  /**
   * The addresses of one broker cluster share a session: while the link is at one of them, packet ids that are
   * kept for another are released and given to new messages, which would then be taken for the old ones.
   */
  forgetOthers(session: string): void {
    this.db.prepare('DELETE FROM unreleased WHERE session <> ?').run(session);
  }

  reset(session: string): void {
    this.db.prepare('DELETE FROM acknowledged_subscriptions WHERE session = ?').run(session);
    this.db.prepare('DELETE FROM unreleased WHERE session = ?').run(session);
  }

  save(session: string, { filter, qos }: AcknowledgedSubscription): void {
    this.db.prepare('INSERT OR REPLACE INTO acknowledged_subscriptions VALUES (?, ?, ?)').run(session, filter, qos);
  }

  drop(session: string, filter: string): void {
    this.db.prepare('DELETE FROM acknowledged_subscriptions WHERE session = ? AND filter = ?').run(session, filter);
  }

  release(session: string, packetIds: readonly number[]): void {
    const statement = this.db.prepare('DELETE FROM unreleased WHERE session = ? AND packet_id = ?');
    for (const packetId of packetIds) statement.run(session, packetId);
  }
}
