/** The root field of a feature service, recommender or scorer, for servers and clients alike: `user_page` → `userPage`. */
export function graphqlFieldName(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The object type of what it gives: `user_page` → `UserPage`; `lastKind` → `LastKind`. */
export function graphqlTypeName(name: string): string {
  const field = graphqlFieldName(name);
  return field.charAt(0).toUpperCase() + field.slice(1);
}
