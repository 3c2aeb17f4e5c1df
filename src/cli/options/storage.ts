import { defaultStorageOptions as defaults, type StorageOptions } from '../../storage/options.ts'
import type { OptionGroup } from './option-group.ts'

export type StorageArgs = {
  'storage.totalBytesMax': number
  'storage.accountBytesMax': number
  'storage.accountMessagesMax': number
  'storage.freeDiskMinBytes': number
}

/** `path` comes from the data folder. */
export const storageOptionGroup: OptionGroup<StorageArgs, Omit<StorageOptions, 'path'>> = {
  flags: {
    'storage.totalBytesMax': {
      type: 'number',
      describe: 'Store nothing new beyond this many bytes of messages',
      default: defaults.totalBytesMax,
    },
    'storage.accountBytesMax': {
      type: 'number',
      describe: 'Bytes of messages that one account may have',
      default: defaults.accountBytesMax,
    },
    'storage.accountMessagesMax': {
      type: 'number',
      describe: 'Messages that one account may have',
      default: defaults.accountMessagesMax,
      min: 1,
    },
    'storage.freeDiskMinBytes': {
      type: 'number',
      describe: 'Store nothing new while the disk has fewer free bytes',
      default: defaults.freeDiskMinBytes,
    },
  },
  parse: (args) => ({
    ...defaults,
    totalBytesMax: args['storage.totalBytesMax'],
    accountBytesMax: args['storage.accountBytesMax'],
    accountMessagesMax: args['storage.accountMessagesMax'],
    freeDiskMinBytes: args['storage.freeDiskMinBytes'],
  }),
}
