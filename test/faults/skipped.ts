/** Exit code of a program that cannot be run here: neither passed nor failed, as automake's tests have it. */
export const SKIPPED = 77
