import protobuf from 'protobufjs';

/** How a comment names the message that payloads are, where there are several. */
const ROOT_MARK = /@RootNode\b/;

/**
 * The full name of the message that payloads are: the one whose comment says `@RootNode`, or the one that no other refers
 * to. Imports are those that Protocol Buffers bring along.
 */
export function rootMessage(source: string): { message: string } | { problem: string } {
  try {
    const root = new protobuf.Root();
    const { imports = [], weakImports = [] } = protobuf.parse(source, root, { alternateCommentMode: true });
    for (const name of [...(imports ?? []), ...(weakImports ?? [])]) {
      const bundled = protobuf.common.get(name);
      if (!bundled) return { problem: `import ${name}, which is not read` };
      root.addJSON(bundled.nested!);
    }
    root.resolveAll();
    return chosen(messagesOf(root));
  } catch (error) {
    return { problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function chosen(messages: readonly protobuf.Type[]): { message: string } | { problem: string } {
  const marked = messages.filter(({ comment }) => ROOT_MARK.test(comment ?? ''));
  const inner = new Set(messages.flatMap((one) => one.fieldsArray.flatMap(({ resolvedType }) => resolvedType ?? [])));
  const free = messages.filter((one) => !inner.has(one) && !(one.parent instanceof protobuf.Type));
  const [first, second] = marked.length > 0 ? marked : free;
  if (first && !second) return { message: first.fullName.replace(/^\./, '') };
  const names = messages.map(({ name }) => name).join(', ');
  return { problem: first ? `do not say which is meant of ${names}` : 'hold no message that is no part of another' };
}

/** All of its own, and none of those that come along. */
function messagesOf(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((one) => {
    if (!(one instanceof protobuf.Namespace) || one.fullName === '.google') return [];
    return [...(one instanceof protobuf.Type ? [one] : []), ...messagesOf(one)];
  });
}
