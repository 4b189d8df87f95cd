/**
 * Runs what the image holds as a container engine would: as process 1 of its own, as the image's user, without any
 * privilege, on a read-only root that holds the image and, for the base image, this machine's programs and libraries.
 * The network is this machine's. Tests that call it say `skip: needs('tmpfs')`.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, type Exit } from './children.js';
import type { Image } from './image.js';
import { scratchDirectory } from './scratch.js';

export interface Mount {
  /** A folder of this machine. */
  from: string;
  to: string;
  writable?: boolean;
}

export interface ContainerOptions {
  /** In place of ENTRYPOINT. */
  entrypoint?: string[];
  /** In place of CMD. */
  args?: string[];
  /** Added to ENV. */
  env?: { [name: string]: string };
  mounts?: Mount[];
  /** `/tmp` may be written to. Default false. */
  tmp?: boolean;
}

/** $1: a folder for the root; $2: the image; $3: Node; $4: WORKDIR; $5: user; $6: group; $7: rw|ro of /tmp; then mounts, `--`, the command. */
const SCRIPT = `
root=$1 image=$2 node=$3 workdir=$4 user=$5 group=$6 tmp=$7
shift 7
mount -t tmpfs -o mode=755 tmpfs "$root"
bind() { # from, to, rw|ro
  mkdir -p "$root$2"
  mount --bind "$1" "$root$2"
  mount -o "remount,bind,$3" "$root$2"
}
mkdir -p "$root/usr/local/bin" "$root/usr/share" "$root/dev" "$root/proc" "$root/etc"
for folder in /bin /sbin /lib /lib64; do
  if [ -L "$folder" ]; then cp -P "$folder" "$root$folder"; elif [ -d "$folder" ]; then bind "$folder" "$folder" ro; fi
done
for folder in /usr/bin /usr/sbin /usr/lib /usr/lib64; do [ ! -d "$folder" ] || bind "$folder" "$folder" ro; done
for folder in "$image"/*; do
  name=$(basename "$folder")
  case $name in usr | tmp | etc) ;; *) bind "$folder" "/$name" ro ;; esac
done
cp -RP "$image/usr/local/." "$root/usr/local"
cp -RP "$image/usr/share/." "$root/usr/share"
cp "$image/etc/." -R "$root/etc"
touch "$root/usr/local/bin/node"
mount --bind "$node" "$root/usr/local/bin/node"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mkdir -m 1777 "$root/tmp"
[ "$tmp" = ro ] || mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$1" != -- ]; do
  bind "$1" "$2" "$3"
  shift 3
done
shift
mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/env -C "$workdir" \\
  setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
`;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class Container {
  readonly #child: Child;

  constructor(image: Image, options: ContainerOptions) {
    const { entrypoint = image.entrypoint, args = image.cmd, env = {}, mounts = [], tmp = false } = options;
    const folders = mounts.flatMap(({ from, to, writable }) => [from, to, writable ? 'rw' : 'ro']);
    const parts = [scratchDirectory('root'), image.directory, process.execPath, image.workdir];
    const ids = [String(image.user), String(image.group), tmp ? 'rw' : 'ro'];
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child'];
    const command = ['sh', '-euc', SCRIPT, 'container', ...parts, ...ids, ...folders, '--', ...entrypoint, ...args];
    this.#child = new Child('unshare', [...namespaces, ...command], {
      env: { PATH, ...image.env, ...env },
      // The one inside, not unshare, which would kill it.
      recipient: () => this.pid,
    });
  }

  /** Process 1, as this machine sees it; undefined until there is one. */
  get pid(): number | undefined {
    const { pid } = this.#child;
    if (this.#child.exited || pid === 0) return undefined;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  }

  get exited(): Exit | undefined {
    return this.#child.exited;
  }

  /** Of process 1. */
  get exit(): Promise<Exit> {
    return this.#child.exit;
  }

  /** The last of what it wrote to standard output and error. */
  get tail(): string {
    return this.#child.tail;
  }

  signal(name: NodeJS.Signals): void {
    if (this.pid !== undefined) this.#child.signal(name);
  }

  /** As engines do: SIGTERM, and SIGKILL after `graceMs`, which shows in the exit. */
  stop(graceMs = 20_000): Promise<Exit> {
    return this.#child.stop('SIGTERM', graceMs);
  }

  kill(): Promise<Exit> {
    return this.#child.stop('SIGKILL');
  }

  /** Resolves when the program itself runs, so soon after its start as can be seen. */
  async begun(program = 'node'): Promise<void> {
    while (this.exited === undefined) {
      if (this.pid !== undefined && readFileSync(`/proc/${this.pid}/comm`, 'utf8').trim() === program) return;
      await sleep(1);
    }
  }
}

export function startContainer(image: Image, options: ContainerOptions = {}): Container {
  return new Container(image, options);
}

/** Runs a command of the image to its end. */
export async function runContainer(image: Image, options: ContainerOptions): Promise<Exit & { output: string }> {
  const container = startContainer(image, options);
  return { ...(await container.exit), output: container.tail };
}
