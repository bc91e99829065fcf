-- A refusal or withdrawal is written once.
CREATE TRIGGER study_ending_is_final BEFORE UPDATE OR DELETE ON public.study_ending
    FOR EACH ROW EXECUTE FUNCTION public.written_once();
