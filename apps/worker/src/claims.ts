/** The claims this process holds or is about to take, by id. At most one per concurrent delivery. */
export interface Claims {
  add(claimId: string): void;
  remove(claimId: string): void;
  list(): string[];
}

export function createClaims(): Claims {
  const held = new Set<string>();
  return {
    add: (claimId) => void held.add(claimId),
    remove: (claimId) => void held.delete(claimId),
    list: () => [...held],
  };
}
