import { IsNumber, Max, Min } from 'class-validator';

/** What a device sends. Anything else becomes a dead letter, at once. */
export class Reading {
  @IsNumber()
  @Min(-100)
  @Max(200)
  celsius!: number;
}
