import { Module } from '@nestjs/common';
import { HoldfastModule } from 'holdfast';
import { DevicesController } from './devices.controller.js';

@Module({
  imports: [HoldfastModule.forRoot({ config: 'gateway.yaml' })],
  controllers: [DevicesController],
})
export class AppModule {}
