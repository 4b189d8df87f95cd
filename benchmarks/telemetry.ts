/** A payload of 300 bytes, and what it must look like: as a JSON Schema and as a class. */
import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsIn, IsInt, IsNumber, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { ValidateNested } from 'class-validator';

export const TELEMETRY_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['gwId', 'deviceId', 'at', 'readings'],
  additionalProperties: false,
  properties: {
    gwId: { type: 'string', maxLength: 64 },
    deviceId: { type: 'string', maxLength: 64 },
    at: { type: 'integer', minimum: 0 },
    firmware: { type: 'string', maxLength: 128 },
    battery: { type: 'number', minimum: 0, maximum: 100 },
    readings: {
      type: 'array',
      maxItems: 16,
      items: {
        type: 'object',
        required: ['kind', 'value', 'unit'],
        additionalProperties: false,
        properties: {
          kind: { enum: ['temperature', 'humidity', 'pressure'] },
          value: { type: 'number' },
          unit: { type: 'string', maxLength: 8 },
        },
      },
    },
  },
};

export class Reading {
  @IsIn(['temperature', 'humidity', 'pressure'])
  kind!: string;

  @IsNumber()
  value!: number;

  @IsString()
  @MaxLength(8)
  unit!: string;
}

export class Telemetry {
  @IsString()
  @MaxLength(64)
  gwId!: string;

  @IsString()
  @MaxLength(64)
  deviceId!: string;

  @IsInt()
  @Min(0)
  at!: number;

  @IsOptional()
  @IsString()
  @MaxLength(128)
  firmware?: string;

  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(100)
  battery?: number;

  @ArrayMaxSize(16)
  @ValidateNested({ each: true })
  @Type(() => Reading)
  readings!: Reading[];
}

/** Payloads that differ, each valid and of 300 bytes. */
export function payloads(count: number, bytes = 300): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const value = {
      gwId: `gateway-${1_000 + i}`,
      deviceId: `device-${10_000 + i * 7}`,
      at: 1_790_000_000_000 + i,
      firmware: '',
      battery: 10 + (i % 90),
      readings: [
        { kind: 'temperature', value: 20 + i / 1_000, unit: 'C' },
        { kind: 'humidity', value: 40 + (i % 17), unit: '%' },
        { kind: 'pressure', value: 1_000 + i / 10, unit: 'hPa' },
      ],
    };
    value.firmware = 'v'.repeat(bytes - JSON.stringify(value).length);
    return Buffer.from(JSON.stringify(value));
  });
}
