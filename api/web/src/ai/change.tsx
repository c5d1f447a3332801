import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type AIChange, aiQuery, putAI } from "../services/ai";

/** Changes what was decided for an environment. */
export function useChange(environment: string, onDone?: () => void) {
  const queryClient = useQueryClient();
  const key = aiQuery(environment).queryKey;
  return useMutation({
    mutationFn: async (change: AIChange) => {
      await queryClient.cancelQueries({ queryKey: key }); // an older answer must not come in between
      return putAI(environment, change);
    },
    onSuccess: (saved) => {
      queryClient.setQueryData(key, saved);
      void queryClient.invalidateQueries({ queryKey: ["settings"] });
      onDone?.();
    },
  });
}

/** Why a change was refused. */
export function Problem({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <p className="problem" role="alert">
      {error.message}
    </p>
  );
}
