import { type NodePlaceArgs, nodePlaceFlags } from '../status/options.ts'

export interface DoctorArgs extends NodePlaceArgs {
  readonly strict: boolean
}

export const doctorFlags = {
  ...nodePlaceFlags,
  strict: { type: 'boolean', describe: 'Let the exit code tell of warnings too', default: false },
} as const
