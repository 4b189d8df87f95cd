import type { ContractSettings } from '../domain/contract.js';
import { contentTypeOf } from './content-type.js';
import { draftOfDialect, schemaFormatOf } from './dialect.js';
import { own, type JsonObject } from './json.js';
import { References } from './references.js';
import { bundleSchema } from './schema.js';
import { readSource } from './source.js';
import { Warnings } from './warnings.js';

export type DescribedContract = Pick<
  ContractSettings,
  'name' | 'schemaFile' | 'class' | 'mode' | 'compression' | 'protobuf'
> & {
  format: string;
  oneOf?: { contracts: readonly string[] };
};

/** A contract as a message, and its schema, which stands among the components under the contract's name. */
export function describeContract(contract: DescribedContract): {
  name: string;
  message: JsonObject;
  schema?: JsonObject;
} {
  const { name, format, schemaFile, class: reference, mode, compression = 'none', protobuf } = contract;
  const contentType = contentTypeOf(format);
  const found = schemaFile === undefined ? undefined : schemaOf(name, schemaFile);
  const said = [
    ...(contentType === undefined ? [`Its format is ${format}.`] : []),
    ...(protobuf ? [`It is a ${protobuf.message} of Protocol Buffers.`] : []),
    ...(compression === 'none'
      ? []
      : [compression === 'auto' ? 'It may be compressed.' : `It is compressed with ${compression}.`]),
    ...(reference ? [`Checked by the class ${reference.export}, whose rules are code.`] : []),
    ...(found?.abridged === undefined ? [] : [`Its schema is abridged: ${found.abridged}.`]),
    ...(mode === 'shadow' ? ['What fails is counted, and delivered all the same.'] : []),
  ];
  return {
    name,
    message: {
      name,
      ...(contentType === undefined ? {} : { contentType }),
      ...(said.length > 0 ? { description: said.join(' ') } : {}),
      ...(found?.schema ? { payload: { $ref: `#/components/schemas/${name}` } } : {}),
    },
    schema: found?.schema,
  };
}

/** @returns the schema, and what is missing in it */
function schemaOf(name: string, file: string): { schema?: JsonObject; abridged?: string } {
  const source = readSource(file);
  if ('fault' in source) return { abridged: `the file ${source.fault}` };
  const draft = draftOfDialect(own(source.value, '$schema')) ?? '2020-12';
  const warnings = new Warnings();
  const references = new References(file, source.value, readSource, warnings);
  // References in a document start at the document's root.
  const at = `#/components/schemas/${name}/schema`;
  const schema = bundleSchema(references.root, references, warnings, { draft, at });
  return { schema: { schemaFormat: schemaFormatOf(draft), schema }, abridged: warnings.list()[0]?.message };
}
