import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { fieldsOf } from './field.js';
import { GatewayConfig } from './gateway.config.js';
import type { Path, Report } from './problem.js';
import { flawsOf } from './shape.js';
import type { ConfigClass } from './shape.js';

/** Makes the configuration from plain data. Every rule that a class breaks is a problem with its path. */
export function checkedConfig(plain: object, report: Report): GatewayConfig {
  const config = plainToInstance(GatewayConfig, plain, { exposeUnsetFields: false });
  const errors = validateSync(config, {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false },
  });
  for (const error of errors) reportError(error, GatewayConfig, [], report);
  return config;
}

function reportError(error: ValidationError, type: ConfigClass, parent: Path, report: Report): void {
  const path = [...parent, error.property];
  const field = fieldsOf(type).get(error.property);
  if (!field || error.constraints?.['whitelistValidation'] !== undefined) {
    report.problem(path, 'unknown key', 'Remove it.');
    return;
  }
  const { shape } = field;
  if (error.value === undefined && error.constraints) {
    report.problem(path, 'is missing', `Add it: ${field.example}`);
    return;
  }
  // The validator says that a list is wrong; which of its items, the shape says.
  for (const flaw of error.constraints ? flawsOf(shape, error.value) : []) {
    report.problem([...path, ...flaw.at], flaw.message, flaw.mend);
  }
  if (shape.kind === 'object') reportChildren(error, shape.type, path, report);
  else if (shape.kind === 'either') reportChildren(error, shape.object.type, path, report);
  else if (shape.kind !== 'scalar' && shape.of.kind === 'object') {
    for (const item of error.children ?? []) {
      const step = shape.kind === 'list' ? Number(item.property) : item.property;
      reportChildren(item, shape.of.type, [...path, step], report);
    }
  }
}

function reportChildren(error: ValidationError, type: ConfigClass, path: Path, report: Report): void {
  for (const child of error.children ?? []) reportError(child, type, path, report);
}
